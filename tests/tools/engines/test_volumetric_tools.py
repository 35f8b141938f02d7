"""Organs by a network of the published layout: trained on phantoms in seconds, it tells sides however a scan lies.

What these networks see proves that folders are loaded and scans go through them; it says nothing of published ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from scanwright.evals.bench import volumetric_models as small
from scanwright.tools import phantoms
from scanwright.tools.engines.volumetric import running
from scanwright.tools.engines.volumetric.folders import load_folder
from scanwright.tools.errors import Cancelled, ToolFailed, ToolInputError
from scanwright.tools.families import organs_model
from scanwright.tools.families.shape import mask_volume
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.runtime.context import WorkerContext
from scanwright.tools.testing import ToolBench
from scanwright.tools.vocabulary.organs import ORGAN_STRUCTURES, PAIRED_ORGANS, meaning
from scanwright.tools.vocabulary.structures import STRUCTURES
from scanwright.tools.weights.catalogue import CATALOGUE
from scanwright.tools.weights.store import WeightsStore
from scanwright.tools.weights.verified import digest

FINE = (3.0, 3.5, 5.0)
TOTAL = "totalsegmentator/Dataset297_TotalSegmentator_total_3mm_1559subj_v204/nnUNetTrainer__nnUNetPlans__3d_fullres"


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Two threads that wait for each other on a busy machine take many times as long as one."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:
    """A weights folder with a trained network in TotalSegmentator's place, and as a model of one's own."""
    folder = tmp_path_factory.mktemp("weights")
    network = small.trained_unet(170)
    small.write_nnunet(folder / TOTAL, [network])
    small.write_nnunet(folder / "models" / "ours", [network])
    return folder


@pytest.fixture
def organs(tmp_path: Path, weights: Path) -> ToolBench:
    (tmp_path / "blobs").mkdir()
    return ToolBench(tmp_path / "blobs", weights_dir=weights)


def ct(bench: ToolBench, voxels: Any, affine: Any, **facts: Any) -> Any:
    given = {"modality": "CT", "body_part": "abdomen", "unit": "[hnsf'U]"} | facts
    return bench.volume(voxels, affine, **given)


def dice(one: Any, other: Any) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def test_organs_of_unseen_trunks_are_found_on_their_own_grid(organs: ToolBench) -> None:
    for seed, k in ((1, 0), (2, 17), (3, 46)):
        trunk = small.trunk(seed, FINE)
        voxels, affine = phantoms.reoriented(trunk.hu, trunk.affine, k)
        truth, _ = phantoms.reoriented(trunk.labels, trunk.affine, k)
        labels = organs.run(organs_model.organ_map_fast, volume=ct(organs, voxels, affine))
        for structure, value in (("liver", 1), ("spleen", 2)):
            mask = organs.run(organs_model.organ, labels=labels, structure=structure)
            assert (mask.type.structure, mask.type.side) == (structure, "whole")
            assert dice(organs.read(mask), truth == value) > 0.9
        for side, value in (("right", 3), ("left", 4)):
            mask = organs.run(organs_model.organ_of_side, labels=labels, structure="kidney", side=side)
            assert (mask.type.side, mask.name) == (side, f"{side} kidney")
            assert dice(organs.read(mask), truth == value) > 0.9
        both = organs.run(organs_model.organ, labels=labels, structure="kidney")
        assert dice(organs.read(both), truth >= 3) > 0.9
        assert organs.run(mask_volume, mask=both).value == pytest.approx(
            float((truth >= 3).sum()) * both.geometry.voxel_ml, rel=0.1
        )


def test_labels_are_the_same_voxels_in_all_48_ways_to_store_a_scan(weights: Path) -> None:
    from dataclasses import replace

    model = loaded(weights / TOTAL)
    # One window for the whole trunk, so that 48 looks take seconds.
    model = replace(model, windows=replace(model.windows, patch=(48, 40, 56)))
    trunk = small.trunk(4, (7.0, 6.0, 8.0))
    plain = seen(model, trunk.hu, trunk.affine)
    assert set(np.unique(plain)) == {0, 1, 2, 3, 4}
    right, left = (np.argwhere(plain == v).mean(0)[0] for v in (3, 4))
    assert right > left + 8, "the first axis runs to the right"
    for k in range(48):
        voxels, affine = phantoms.reoriented(trunk.hu, trunk.affine, k)
        assert np.array_equal(seen(model, voxels, affine), phantoms.reoriented(plain, trunk.affine, k)[0]), k


def test_an_oblique_scan_is_told_by_its_nearest_axes(weights: Path) -> None:
    model = loaded(weights / TOTAL)
    trunk = small.trunk(5)
    tilt = np.eye(4)
    angle = np.deg2rad(8)
    tilt[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    voxels, affine = phantoms.reoriented(trunk.hu, tilt @ trunk.affine, 29)
    truth, _ = phantoms.reoriented(trunk.labels, trunk.affine, 29)
    labels = seen(model, voxels, affine)
    assert min(dice(labels == v, truth == v) for v in (3, 4)) > 0.9


@pytest.mark.parametrize("reader", ["SimpleITKIO", "NibabelIOWithReorient"])
@pytest.mark.parametrize("forward", [[0, 1, 2], [2, 0, 1]])
def test_transposed_plans_and_other_readers_give_the_network_its_own_axes(
    tmp_path: Path, weights: Path, reader: str, forward: list[int]
) -> None:
    """The network sees the same array whatever the plan calls the axes, so its labels lie accordingly in the scan."""
    from scanwright.tools.engines.volumetric.preparing import turned

    network = loaded(weights / TOTAL).networks[0]
    folder = small.write_nnunet(
        tmp_path / "m", [network], overwrite_image_reader_writer=reader, transpose_forward=forward
    )
    model = loaded(folder)
    axes = "SAR" if reader == "NibabelIOWithReorient" else "SPL"
    assert model.axcodes == "".join(axes[a] for a in forward)
    trunk = small.trunk(6)
    # A scan that lies as this network wants it: the axes it was trained on, called by their new names.
    wanted, _, back = turned(np.empty((50, 38, 43)), Geometry.of((50, 38, 43), trunk.affine), model.axcodes)
    array = np.ascontiguousarray(trunk.hu.transpose(2, 1, 0))
    truth = np.ascontiguousarray(trunk.labels.transpose(2, 1, 0))
    affine = affine_of(model.axcodes, 6.0)
    labels = seen(model, array, affine)
    assert min(dice(labels == v, truth == v) for v in (1, 2, 3, 4)) > 0.85
    assert back(wanted).shape == (50, 38, 43)


def affine_of(axcodes: str, step: float) -> np.ndarray:
    """An affine whose array axes run as axcodes say."""
    affine = np.eye(4)
    affine[:3, :3] = 0
    for axis, letter in enumerate(axcodes):
        affine["RLAPSI".index(letter) // 2, axis] = step if letter in "RAS" else -step
    return affine


def loaded(folder: Path) -> Any:
    for path in folder.rglob("*.p*"):
        digest(path)
    return load_folder(folder, folder.name)


def seen(model: Any, voxels: Any, affine: Any, **given: Any) -> Any:
    geometry = Geometry.of(voxels.shape, affine)
    return running.labels_of(model, voxels, geometry, lambda _: None, **({"precision": "float32"} | given)).labels


def test_folds_are_averaged_and_mirrored_looks_are_only_where_the_folder_allows_them(
    tmp_path: Path, weights: Path
) -> None:
    from dataclasses import replace

    model = loaded(weights / TOTAL)
    model = replace(model, windows=replace(model.windows, patch=(48, 40, 56)))
    trunk = small.trunk(7, (8.0, 8.0, 9.0))
    plain = seen(model, trunk.hu, trunk.affine)
    twice = replace(model, networks=model.networks * 2)
    assert (seen(twice, trunk.hu, trunk.affine) == plain).mean() > 0.9999
    assert np.array_equal(seen(model, trunk.hu, trunk.affine, mirror=True), plain)
    allowed = replace(model, mirrors=(0,))
    assert not np.array_equal(seen(allowed, trunk.hu, trunk.affine, mirror=True), plain)


def test_precision_is_kept_only_where_the_worst_class_stays_the_same(weights: Path, monkeypatch: Any) -> None:
    model = loaded(weights / TOTAL)
    trunk = small.trunk(8)
    exact = seen(model, trunk.hu, trunk.affine)
    fast = seen(model, trunk.hu, trunk.affine, precision="bfloat16")
    assert min(dice(exact == v, fast == v) for v in (1, 2, 3, 4)) > 0.98
    monkeypatch.setattr(running, "best_precision", lambda: "bfloat16")
    monkeypatch.setattr(running, "GATE_DICE", 1.1)
    gated = running.labels_of(model, trunk.hu, Geometry.of(trunk.hu.shape, trunk.affine), lambda _: None)
    assert gated.precision == "float32"
    monkeypatch.setattr(running, "GATE_DICE", 0.0)
    gated = running.labels_of(model, trunk.hu, Geometry.of(trunk.hu.shape, trunk.affine), lambda _: None)
    assert gated.precision == "bfloat16"


def test_progress_rises_window_by_window_and_a_run_can_be_stopped(organs: ToolBench, weights: Path) -> None:
    trunk = small.trunk(9, (7.0, 7.0, 7.0))
    told: list[tuple[float, str]] = []
    ctx = WorkerContext(
        organs.blobs, weights=WeightsStore(weights).resolve, progress=lambda f, doing: told.append((f, doing))
    )
    volume = ct(organs, trunk.hu, trunk.affine)
    organs_model.organ_map_fast.run(ctx, {"volume": volume}, {})
    looks = [f for f, doing in told if doing.startswith("looking")]
    assert len(looks) >= 4
    assert looks == sorted(looks)

    def stop(fraction: float, doing: str) -> None:
        if doing.startswith("looking"):
            raise Cancelled("The step was stopped.")

    ctx = WorkerContext(organs.blobs, weights=WeightsStore(weights).resolve, progress=stop)
    with pytest.raises(Cancelled):
        organs_model.organ_map_fast.run(ctx, {"volume": volume}, {})


def test_a_network_stays_loaded_until_its_file_changes(organs: ToolBench) -> None:
    residents: dict[str, Any] = {}
    ctx = WorkerContext(organs.blobs, weights=WeightsStore(organs_weights(organs)).resolve, residents=residents)
    trunk = small.trunk(9, (9.0, 9.0, 9.0))
    volume = ct(organs, trunk.hu, trunk.affine)
    for _ in range(2):
        organs_model.own_model_map.run(ctx, {"volume": volume}, {})
    assert len(residents) == 1


def organs_weights(bench: ToolBench) -> Path:
    """The folder of weights that a bench reads."""
    files = bench.ctx.weights("own-models")
    return next(iter(files.values())).parents[2]


def test_a_model_of_ones_own_is_named_and_its_names_become_structures(organs: ToolBench, tmp_path: Path) -> None:
    trunk = small.trunk(10)
    volume = ct(organs, trunk.hu, trunk.affine)
    labels = organs.run(organs_model.own_model_map, volume=volume)
    assert [label.name for label in labels.labels] == list(small.LABELS)
    mask = organs.run(organs_model.own_model_part_of_side, labels=labels, structure="kidney", side="left")
    assert dice(organs.read(mask), trunk.labels == 4) > 0.9
    whole = organs.run(organs_model.own_model_part, labels=labels, structure="liver")
    assert dice(organs.read(whole), trunk.labels == 1) > 0.9
    with pytest.raises(ToolInputError, match="do not tell the pancreas: they have liver, spleen, right kidney"):
        organs.run(organs_model.own_model_part, labels=labels, structure="pancreas")
    with pytest.raises(ToolInputError, match="no model called 'theirs' in the models folder; it has: ours"):
        organs.run(organs_model.own_model_map, volume=volume, model="theirs")
    with pytest.raises(ToolInputError, match="is for CT, and this scan is MR"):
        organs.run(organs_model.own_model_map, volume=ct(organs, trunk.hu, trunk.affine, modality="MR", unit="1"))


def test_labels_of_several_networks_are_put_into_one_map(tmp_path: Path, weights: Path) -> None:
    network = loaded(weights / TOTAL).networks[0]
    (tmp_path / "blobs").mkdir()
    for n in range(291, 296):
        names = tuple(f"{name} of part {n}" if v else name for v, name in enumerate(small.LABELS))
        names = small.LABELS if n == 293 else names
        small.write_nnunet(
            tmp_path / "w" / "totalsegmentator" / f"Dataset{n}_part" / "t__p__3d_fullres", [network], labels=names
        )
    bench = ToolBench(tmp_path / "blobs", weights_dir=tmp_path / "w")
    trunk = small.trunk(11, (8.0, 8.0, 8.0))
    labels = bench.run(organs_model.organ_map, volume=ct(bench, trunk.hu, trunk.affine))
    assert len(labels.labels) == 21
    # Equal networks see the same, and the last is above the others.
    assert {label.value for label in labels.labels if label.voxels} == {0, 17, 18, 19, 20}


def test_without_weights_the_tools_say_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "blobs").mkdir()
    bench = ToolBench(tmp_path / "blobs", weights_dir=tmp_path)
    trunk = small.trunk(1, (20.0, 20.0, 20.0))
    with pytest.raises(ToolFailed, match=r"totalsegmentator-fast.*are not on this machine: put Dataset297"):
        bench.run(organs_model.organ_map_fast, volume=ct(bench, trunk.hu, np.diag([6.0, 6.0, 6.0, 1.0])))
    names = {n for t in vars(organs_model).values() if hasattr(t, "card") for n in t.card.weights}
    store = WeightsStore(tmp_path)
    assert names == {"totalsegmentator-fast", "totalsegmentator", "vista3d", "own-models", "organs"}
    assert not any(store.available(n) for n in names)
    small.write_nnunet(tmp_path / TOTAL, [])
    assert not store.available("organs"), "a folder without weights"
    (tmp_path / TOTAL / "fold_0").mkdir()
    (tmp_path / TOTAL / "fold_0" / "checkpoint_final.pth").write_bytes(b"x")
    assert [store.available(n) for n in ("organs", "totalsegmentator-fast", "totalsegmentator")] == [True, True, False]


def test_the_key_of_a_step_knows_which_model_lies_in_the_folder(tmp_path: Path, weights: Path) -> None:
    store = WeightsStore(weights)
    before = store.digests("own-models")
    assert len(before) == 3
    assert store.available("own-models")
    path = weights / "models" / "ours" / "plans.json"
    path.write_text(path.read_text() + " ")
    assert store.digests("own-models") != before
    assert WeightsStore(tmp_path).digests("own-models") == []


def test_weights_for_research_only_are_accepted_before_they_are_used(tmp_path: Path) -> None:
    (tmp_path / "vista3d" / "models").mkdir(parents=True)
    (tmp_path / "vista3d" / "models" / "model.pt").write_bytes(b"x")
    with pytest.raises(ToolFailed, match="may not be used commercially"):
        WeightsStore(tmp_path).resolve("vista3d")
    assert {e.name for e in CATALOGUE if not e.commercial and not e.files} == {"vista3d"}


def test_every_structure_is_a_coded_word_of_the_vocabulary() -> None:
    assert set(get_args(organs_model.Organ)) == set(ORGAN_STRUCTURES) <= set(STRUCTURES)
    assert set(get_args(organs_model.PairedOrgan)) == PAIRED_ORGANS
    uncoded = {s for s in ORGAN_STRUCTURES if STRUCTURES[s].code is None}
    assert uncoded == {
        "kidney_cyst", "hip_bone", "iliopsoas", "back_muscle", "gluteus_maximus", "gluteus_medius", "gluteus_minimus",
    }  # fmt: skip
    code = STRUCTURES["vertebra_l3"].code
    assert code is not None
    assert (code.system, code.value) == ("SCT", "36470004")


@pytest.mark.parametrize(
    ("label", "known"),
    [
        ("kidney_left", (("kidney", "left"),)),
        ("right kidney", (("kidney", "right"),)),
        ("rib_right_12", (("rib", "right"),)),
        ("vertebrae_L3", (("vertebra_l3", "whole"), ("vertebrae", "whole"))),
        ("left iliac vena", (("iliac_vein", "left"),)),
        ("lung_middle_lobe_right", (("lung_middle_lobe", "whole"),)),
        ("urinary_bladder", (("bladder", "whole"),)),
        ("liver tumor", ()),
        ("left", ()),
    ],
)
def test_a_networks_name_means_a_structure_and_a_side(label: str, known: tuple[tuple[str, str], ...]) -> None:
    assert meaning(label) == known


def test_a_bundle_trained_on_phantoms_finds_unseen_organs(tmp_path: Path, one_thread: None) -> None:
    network = small.train(small.monai_network(small.UNET), 220, axes="RAS", normal="window")
    folder = small.write_bundle(tmp_path / "models" / "bundle", network, small.UNET)
    (tmp_path / "blobs").mkdir()
    bench = ToolBench(tmp_path / "blobs", weights_dir=tmp_path)
    for seed, k in ((1, 5), (2, 40)):
        trunk = small.trunk(seed, FINE)
        voxels, affine = phantoms.reoriented(trunk.hu, trunk.affine, k)
        truth, _ = phantoms.reoriented(trunk.labels, trunk.affine, k)
        labels = bench.run(organs_model.own_model_map, volume=ct(bench, voxels, affine), model=folder.name)
        assert min(dice(bench.read(labels) == v, truth == v) for v in (1, 2, 3, 4)) > 0.9
