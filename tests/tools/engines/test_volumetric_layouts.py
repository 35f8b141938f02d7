"""Published layouts: nnU-Net's names and shapes, plans old and new, bundles' configurations read as data."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scanwright.evals.bench import volumetric_models as small
from scanwright.tools.engines.volumetric import checkpoint, nnunet, vista
from scanwright.tools.engines.volumetric.config import Config
from scanwright.tools.engines.volumetric.folders import load_folder
from scanwright.tools.engines.volumetric.nnunet_networks import Design, unet
from scanwright.tools.errors import ToolFailed
from scanwright.tools.weights.verified import digest

# Names, shapes and outputs of the package that trains such networks; its version stands in the file.
PUBLISHED = json.loads((Path(__file__).parent / "nnunet_published_shapes.json").read_text())["networks"]
CUBES, HALVES = [[3, 3, 3]] * 6, [[1, 1, 1], *[[2, 2, 2]] * 5]
FEATURES = [32, 64, 128, 256, 320, 320]


def listing(network: Any) -> str:
    shapes = {k: tuple(v.shape) for k, v in network.state_dict().items()}
    return "\n".join(f"{k} {v}" for k, v in sorted(shapes.items()))


def configuration(kind: str, form: str) -> dict[str, Any]:
    """TotalSegmentator's sizes (six levels of 32 to 320) in the form of old plans or of new ones."""
    known = PUBLISHED[kind]
    if form == "old":
        return {
            "UNet_class_name": kind,
            "UNet_base_num_features": 32,
            "unet_max_num_features": 320,
            "n_conv_per_stage_encoder": known["convolutions"],
            "n_conv_per_stage_decoder": known["up"],
            "conv_kernel_sizes": CUBES,
            "pool_op_kernel_sizes": HALVES,
        }
    counted = "n_blocks_per_stage" if kind == nnunet.RESIDUAL else "n_conv_per_stage"
    return {
        "architecture": {
            "network_class_name": f"dynamic_network_architectures.architectures.unet.{kind}",
            "arch_kwargs": {
                "n_stages": 6,
                "features_per_stage": FEATURES,
                "conv_op": "torch.nn.modules.conv.Conv3d",
                "kernel_sizes": CUBES,
                "strides": HALVES,
                counted: known["convolutions"],
                "n_conv_per_stage_decoder": known["up"],
                "conv_bias": True,
                "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
                "norm_op_kwargs": {"eps": 1e-5, "affine": True},
                "dropout_op": None,
                "nonlin": "torch.nn.LeakyReLU",
                "nonlin_kwargs": {"inplace": True},
            },
        }
    }


@pytest.mark.parametrize("form", ["old", "new"])
@pytest.mark.parametrize("kind", sorted(PUBLISHED))
def test_a_network_has_exactly_the_published_names_and_shapes(kind: str, form: str) -> None:
    import torch

    with torch.device("meta"):
        network = unet(nnunet.design_of(configuration(kind, form), 118))
    listed = listing(network)
    assert listed.count("\n") + 1 == PUBLISHED[kind]["names"]
    for name, shape in PUBLISHED[kind]["some"].items():
        assert f"{name} {tuple(shape)}" in listed
    assert hashlib.sha256(listed.encode()).hexdigest() == PUBLISHED[kind]["sha256"]


@pytest.mark.parametrize("kind", sorted(PUBLISHED))
def test_equal_weights_give_the_published_networks_scores(kind: str) -> None:
    import torch

    design = Design(
        residual=kind == nnunet.RESIDUAL, inputs=1, classes=3, features=(4, 6, 8),
        kernels=((1, 3, 3), (3, 3, 3), (3, 3, 3)), strides=((1, 1, 1), (1, 2, 2), (2, 2, 2)),
        convolutions=tuple(PUBLISHED[kind]["small_convolutions"]), up=tuple(PUBLISHED[kind]["small_up"]),
    )  # fmt: skip
    network = unet(design).eval()
    with torch.no_grad():
        for name, values in network.state_dict().items():
            if not name.startswith("decoder.encoder.") and ".all_modules." not in name:
                made = torch.sin(torch.arange(values.numel()) * 0.7 + len(name)) * 0.4
                values.copy_(made.reshape(values.shape))
        scores = network(torch.cos(torch.arange(512) * 0.3).reshape(1, 1, 8, 8, 8))
    assert scores.flatten()[::97].tolist() == pytest.approx(PUBLISHED[kind]["small_output"], abs=2e-4)


def untrained(tmp_path: Path, **changes: Any) -> Path:
    return small.write_nnunet(tmp_path / "Dataset1__nnUNetPlans__3d_fullres", [unet(small.SMALL)], **changes)


def load(folder: Path) -> Any:
    for path in folder.rglob("*.p*"):
        digest(path)
    return load_folder(folder, "toy")


def test_folds_labels_mirrors_and_axes_are_read_from_the_folder(tmp_path: Path) -> None:
    folder = small.write_nnunet(tmp_path / "m", [unet(small.SMALL), unet(small.SMALL)], transpose_forward=[1, 0, 2])
    model = load(folder)
    assert len(model.networks) == 2
    assert model.labels == small.LABELS
    assert (model.axcodes, model.modality, model.notes) == ("ASR", "CT", ())


def test_a_folder_inside_a_dataset_folder_is_found(tmp_path: Path) -> None:
    untrained(tmp_path / "Dataset297_TotalSegmentator_total_3mm_1559subj_v204")
    assert load(tmp_path).labels == small.LABELS


def test_regions_are_painted_in_their_order(tmp_path: Path) -> None:
    folder = small.write_nnunet(
        tmp_path / "m",
        [unet(replace(small.SMALL, classes=3))],
        labels={"background": 0, "whole tumour": [1, 2, 3], "core": [2, 3], "enhancing": 3},
        regions_class_order=[1, 2, 3],
    )
    dataset = json.loads((folder / "dataset.json").read_text())
    dataset["labels"] = {"background": 0, "whole tumour": [1, 2, 3], "core": [2, 3], "enhancing": 3}
    (folder / "dataset.json").write_text(json.dumps(dataset))
    model = load(folder)
    assert (model.heads, model.regions, model.channels) == ("regions", (1, 2, 3), 3)
    assert model.labels == ("background", "whole tumour", "core", "enhancing")


def test_a_reader_that_does_not_turn_the_scan_is_said(tmp_path: Path) -> None:
    model = load(untrained(tmp_path, overwrite_image_reader_writer="SimpleITKIO"))
    assert model.axcodes == "SPL"
    assert "left–posterior–superior was taken" in model.notes[0]
    known = load(untrained(tmp_path, overwrite_image_reader_writer="SimpleITKIO", orientation="RAS"))
    assert (known.axcodes, known.notes) == ("SAR", ())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"UNet_class_name": "MedNeXt"}, "the network MedNeXt, and only PlainConvUNet"),
        ({"normalization_schemes": ["MyNormalization"]}, "asks for MyNormalization, which is not known"),
        ({"channel_names": {"0": "T1", "1": "T2"}}, "looks at 2 images at once"),
        ({"unet_max_num_features": 16}, "are not those of the network that is described"),
        ({"patch_size": [64, 64]}, "no 3D configuration"),
    ],
)
def test_an_nnunet_folder_that_cannot_be_run_is_refused_in_one_sentence(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ToolFailed, match=words) as refusal:
        load(untrained(tmp_path, **changes))
    assert "\n" not in str(refusal.value)


def test_a_folder_without_a_table_of_labels_is_refused(tmp_path: Path) -> None:
    folder = untrained(tmp_path)
    (folder / "dataset.json").write_text(json.dumps({"channel_names": {"0": "CT"}}))
    with pytest.raises(ToolFailed, match="no table of labels"):
        load(folder)


class Malicious:
    """Unpickled as a program would be, it writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


def test_a_checkpoint_that_holds_a_program_is_refused_and_not_run(tmp_path: Path) -> None:
    import torch

    folder, trap = untrained(tmp_path), tmp_path / "ran"
    path = folder / "fold_0" / "checkpoint_final.pth"
    torch.save({"network_weights": {}, "extra": Malicious(trap)}, path)
    with pytest.raises(ToolFailed, match="what a file makes a program do is not run here"):
        load(folder)
    assert not trap.exists()


def test_numpys_numbers_in_a_checkpoint_are_let_in(tmp_path: Path) -> None:
    import torch

    path = tmp_path / "c.pth"
    held = {
        "a": np.float64(0.5),
        "b": np.arange(3, dtype=np.float32),
        "c": torch.device("cuda", 0),
        "d": np.bool_(True),
    }
    torch.save(held, path)
    assert {k: str(v) for k, v in checkpoint.load_checkpoint(path).items()} == {k: str(v) for k, v in held.items()}


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    folder = untrained(tmp_path)
    (folder / "fold_0" / "checkpoint_final.pth").write_bytes(b"not a checkpoint")
    with pytest.raises(ToolFailed, match=r"checkpoint_final.pth (are damaged|hold more)"):
        load(folder)


# ---- MONAI bundles -------------------------------------------------------------------------------------------------


class NoTensors:
    def state_dict(self) -> dict[str, Any]:
        return {}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"definition": "$import os"}, r"network_def is the expression \$import os, which is not run"),
        ({"definition": "$__import__('os').system('true')"}, "network_def is the expression .*, which is not run"),
        ({"definition": {"_target_": "os.system", "command": "true"}}, "the network system, which is not known"),
        ({"definition": {**small.UNET, "channels": "$list(range(4))"}}, r"network_def is the expression \$list\(range"),
        ({"channel_def": None}, "no table of labels"),
        ({"channel_def": {"0": "background", "1": "liver"}}, "has 5 channels and metadata.json names 2"),
        ({"inferer": {"_target_": "SimpleInferer"}}, "looks by SimpleInferer"),
        ({"pixdim": "$[s * 2 for s in (1, 1, 1)]"}, r"Spacingd's pixdim is the expression"),
        ({"preprocessing": {"transforms": [{"_target_": "Lambdad", "func": "$lambda x: x"}]}}, "the scan with Lambdad"),
        ({"preprocessing": {"transforms": [{"_target_": "RandFlipd"}]}}, "RandFlipd, which is not known"),
        ({"pixdim": "@pixdim"}, "round in a circle"),
        ({"pixdim": "@nowhere"}, "refers to nowhere"),
    ],
    ids=lambda v: None if isinstance(v, dict) else v[:24],
)  # fmt: skip
def test_a_bundle_that_cannot_be_read_as_data_is_refused_in_one_sentence(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    definition = changes.get("definition", small.UNET)
    rest = {k: v for k, v in changes.items() if k != "definition"}
    network = small.monai_network(small.UNET)
    folder = small.write_bundle(tmp_path / "b", network, definition, **rest)
    with pytest.raises(ToolFailed, match=words) as refusal:
        load(folder)
    assert "\n" not in str(refusal.value)


def test_a_bundle_in_yaml_and_safetensors_is_the_same_model(tmp_path: Path) -> None:
    import yaml
    from safetensors.torch import save_file

    network = small.monai_network(small.SEGRESNET)
    folder = small.write_bundle(tmp_path / "b", network, small.SEGRESNET)
    one = load(folder)
    written = folder / "configs" / "inference.json"
    (folder / "configs" / "inference.yaml").write_text(yaml.safe_dump(json.loads(written.read_text())))
    written.unlink()
    (folder / "models" / "model.pt").unlink()
    save_file(network.state_dict(), folder / "models" / "model.safetensors")
    digest(folder / "models" / "model.safetensors")
    other = load(folder)
    for field in ("axcodes", "steps", "windows", "labels", "modality"):
        assert getattr(one, field) == getattr(other, field)
    assert str(one.networks[0]) == str(other.networks[0])


def test_a_bundles_malicious_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    import torch

    folder, trap = small.write_bundle(tmp_path / "b", NoTensors(), small.UNET), tmp_path / "ran"
    torch.save({"state_dict": Malicious(trap)}, folder / "models" / "model.pt")
    with pytest.raises(ToolFailed, match="what a file makes a program do is not run here"):
        load(folder)
    assert not trap.exists()


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("SegResNetDS", {"init_filters": 8, "blocks_down": [1, 1, 1], "dsdepth": 2}),
        ("DynUNet", {"spatial_dims": 3, "kernel_size": [3, 3, 3], "strides": [1, 2, 2], "upsample_kernel_size": [2, 2],
                     "deep_supervision": False}),
    ],
)  # fmt: skip
def test_other_networks_of_the_list_are_made_and_look(tmp_path: Path, kind: str, given: dict[str, Any]) -> None:
    import torch

    definition = {"_target_": f"monai.networks.nets.{kind}", "in_channels": 1, "out_channels": 5, **given}
    network = small.monai_network({**definition, "_target_": kind})
    model = load(small.write_bundle(tmp_path / "b", network, definition))
    with torch.inference_mode():
        ((_, scores),) = model.forward(model.networks[0], torch.zeros(1, 1, 32, 32, 32))
    assert scores.shape == (5, 32, 32, 32)


@pytest.mark.parametrize("kind", ["UNETR", "SwinUNETR"])
def test_transformers_say_what_package_they_need_or_are_made(tmp_path: Path, kind: str) -> None:
    import importlib.util

    definition = {"_target_": kind, "in_channels": 1, "out_channels": 5, "feature_size": 12}
    if kind == "UNETR":
        definition |= {"img_size": [32, 32, 32], "hidden_size": 48, "mlp_dim": 96, "num_heads": 4}
    if importlib.util.find_spec("einops") is None:
        folder = small.write_bundle(tmp_path / "b", NoTensors(), definition)
        with pytest.raises(ToolFailed, match="needs the package einops"):
            load(folder)
    else:
        assert load(small.write_bundle(tmp_path / "b", small.monai_network(definition), definition)).channels == 5


def test_the_published_form_of_vista3ds_network_is_read_without_running_it() -> None:
    config = Config(
        {"input_channels": 1, "network_def": "$monai.networks.nets.vista3d132(in_channels=@input_channels)"}
    )
    assert config.call("@network_def", "network_def") == ("vista3d132", {"in_channels": 1})
    with pytest.raises(ToolFailed, match="which is not run here"):
        config.call("$monai.networks.nets.vista3d132(in_channels=open('x').read())", "network_def")


def test_vista3d_is_asked_for_the_117_classes_of_its_automatic_run() -> None:
    classes = vista.automatic([f"class {n}" for n in range(133)])
    assert len(classes) == 117
    assert not {2, 20, 21, 26, 132} & set(classes)
