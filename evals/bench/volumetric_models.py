"""Small models of the published layouts, trained in seconds on phantoms: they prove loading and plumbing, nothing more.

The phantom is a trunk on CT with liver, spleen and two kidneys that differ only in the side on which they lie.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.engines.volumetric.nnunet_networks import Design, unet

LABELS = ("background", "liver", "spleen", "kidney_right", "kidney_left")
# The published VISTA3D numbers of the same.
SPACING_MM = 6.0
PATCH = (32, 32, 32)
SIZE_MM = (300.0, 230.0, 260.0)
LOW, HIGH, MEAN, DEVIATION = -160.0, 240.0, 40.0, 110.0


@dataclass(frozen=True)
class Trunk:
    """hu and labels (x, y, z), RAS+ with the affine's spacing."""

    hu: NDArray[np.int16]
    labels: NDArray[np.uint8]
    affine: NDArray[np.float64]


def trunk(seed: int, spacing_mm: tuple[float, float, float] = (SPACING_MM,) * 3) -> Trunk:
    """A trunk, asymmetric in every axis, its organs moved and resized by chance."""
    chance = np.random.default_rng(seed)
    shape = tuple(round(s / m) for s, m in zip(SIZE_MM, spacing_mm, strict=True))
    affine = np.diag([*spacing_mm, 1.0])
    affine[:3, 3] = -np.array(SIZE_MM) / 2 + chance.uniform(-8, 8, 3)
    grid = np.meshgrid(*(o + m * np.arange(n) for o, m, n in zip(affine[:3, 3], spacing_mm, shape, strict=True)),
                       indexing="ij", sparse=True)  # fmt: skip
    labels = np.zeros(shape, np.uint8)
    hu = np.full(shape, -1000.0, np.float32)
    shift = chance.uniform(-6, 6, 3)

    def ball(centre: tuple[float, ...], half: tuple[float, ...]) -> NDArray[np.bool_]:
        scale = chance.uniform(0.88, 1.12)
        at = np.array(centre) + shift + chance.uniform(-5, 5, 3)
        return np.asarray(sum(((g - c) / (h * scale)) ** 2 for g, c, h in zip(grid, at, half, strict=True)) <= 1)

    hu[ball((0, 0, -5), (128, 95, 180))] = 40
    hu[ball((4, -62, -10), (17, 17, 180))] = 500
    for value, (centre, half, level) in enumerate(
        (
            ((58, 12, 45), (52, 48, 42), 110),
            ((-72, -22, 58), (24, 30, 34), 120),
            ((58, -38, -40), (21, 19, 36), 190),
            ((-58, -38, -26), (21, 19, 36), 190),
        ),
        1,
    ):
        organ = ball(centre, half)
        labels[organ], hu[organ] = value, level
    hu += chance.normal(0, 15, shape).astype(np.float32)
    return Trunk(hu.astype(np.int16), labels, affine)


def train(network: Any, steps: int = 90, seed: int = 7, axes: str = "SAR", normal: str = "ct") -> Any:
    """network trained on trunks of 6 mm, their axes as the layout reads them; in evaluation mode."""
    import torch

    torch.manual_seed(seed)
    chance = np.random.default_rng(seed)
    trunks = [trunk(1000 + n) for n in range(12)]
    order = (2, 1, 0) if axes == "SAR" else (0, 1, 2)
    pairs = [
        (
            torch.from_numpy(normalised(t.hu.transpose(order), normal)),
            torch.from_numpy(t.labels.transpose(order).copy()),
        )
        for t in trunks
    ]
    network.train()
    optimiser = torch.optim.AdamW(network.parameters(), 4e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 8e-3, total_steps=steps)
    weight = torch.tensor([0.3, 1.0, 1.5, 1.5, 1.5])
    for _ in range(steps):
        images, truths = [], []
        for _ in range(2):
            image, truth = pairs[chance.integers(len(pairs))]
            at = tuple(
                slice(b, b + p)
                for b, p in ((int(chance.integers(0, n - p + 1)), p) for n, p in zip(image.shape, PATCH, strict=True))
            )
            images.append(image[at])
            truths.append(truth[at].long())
        scores = network(torch.stack(images)[:, None])
        truth = torch.stack(truths)
        share = scores.softmax(1)
        one = torch.nn.functional.one_hot(truth, len(LABELS)).movedim(-1, 1)
        overlap = (2 * (share * one).sum((0, 2, 3, 4)) + 1) / ((share + one).sum((0, 2, 3, 4)) + 1)
        loss = torch.nn.functional.cross_entropy(scores, truth, weight) + 1 - overlap[1:].mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return network.eval()


def normalised(hu: NDArray[Any], normal: str) -> NDArray[np.float32]:
    """As the folder that is written says: nnU-Net's scheme for CT, or a window to 0..1."""
    clipped = np.clip(hu.astype(np.float32), LOW, HIGH)
    made = (clipped - MEAN) / DEVIATION if normal == "ct" else (clipped - LOW) / (HIGH - LOW)
    return np.ascontiguousarray(made, np.float32)


SMALL = Design(
    residual=False,
    inputs=1,
    classes=len(LABELS),
    features=(8, 16, 32, 32),
    kernels=((3, 3, 3),) * 4,
    strides=((1, 1, 1), (2, 2, 2), (2, 2, 2), (2, 2, 2)),
    convolutions=(1, 1, 2, 2),
    up=(1, 1, 1),
)


def trained_unet(steps: int = 90) -> Any:
    """A small plain U-Net of nnU-Net's, trained."""
    import torch

    torch.manual_seed(3)
    return train(unet(SMALL), steps)


def write_nnunet(
    folder: Path, networks: list[Any], *, design: Design = SMALL, labels: tuple[str, ...] = LABELS, **changes: Any
) -> Path:
    """A model folder as nnU-Net writes it: plans in the old form, a checkpoint a fold with numpy's numbers in it."""
    import torch

    configuration = {
        "spacing": [SPACING_MM] * 3,
        "patch_size": list(PATCH),
        "normalization_schemes": ["CTNormalization"],
        "use_mask_for_norm": [False],
        "UNet_class_name": "ResidualEncoderUNet" if design.residual else "PlainConvUNet",
        "UNet_base_num_features": design.features[0],
        "unet_max_num_features": max(design.features),
        "n_conv_per_stage_encoder": list(design.convolutions),
        "n_conv_per_stage_decoder": list(design.up),
        "conv_kernel_sizes": [list(k) for k in design.kernels],
        "pool_op_kernel_sizes": [list(s) for s in design.strides],
        "resampling_fn_data_kwargs": {"is_seg": False, "order": 3, "order_z": 0, "force_separate_z": None},
    }
    plans = {
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "foreground_intensity_properties_per_channel": {
            "0": {"mean": MEAN, "std": DEVIATION, "percentile_00_5": LOW, "percentile_99_5": HIGH}
        },
        "configurations": {"3d_fullres": configuration},
    }
    dataset = {
        "channel_names": {"0": "CT"},
        "labels": {name: value for value, name in enumerate(labels)},
        "file_ending": ".nii.gz",
        "overwrite_image_reader_writer": "NibabelIOWithReorient",
    }
    for table in (plans, dataset, configuration):
        table.update({k: v for k, v in changes.items() if k in table})
    dataset.update({k: v for k, v in changes.items() if k in ("regions_class_order", "orientation")})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plans.json").write_text(json.dumps(plans))
    (folder / "dataset.json").write_text(json.dumps(dataset))
    for fold, network in enumerate(networks):
        (folder / f"fold_{fold}").mkdir(exist_ok=True)
        torch.save(
            {
                "network_weights": network.state_dict(),
                "optimizer_state": {"state": {}, "param_groups": []},
                "logging": {"mean_fg_dice": [np.float64(0.91), np.float32(0.93)]},
                "_best_ema": np.float64(0.92),
                "init_args": {"device": torch.device("cuda", 0), "fold": fold},
                "inference_allowed_mirroring_axes": None,
            },
            folder / f"fold_{fold}" / "checkpoint_final.pth",
        )
    return folder


UNET = {
    "_target_": "UNet", "spatial_dims": 3, "in_channels": 1, "out_channels": len(LABELS), "channels": [8, 16, 32, 32],
    "strides": [2, 2, 2], "num_res_units": 1, "norm": "instance",
}  # fmt: skip
SEGRESNET = {
    "_target_": "SegResNet", "spatial_dims": 3, "in_channels": 1, "out_channels": len(LABELS), "init_filters": 8,
    "blocks_down": [1, 1, 1, 1], "blocks_up": [1, 1, 1],
}  # fmt: skip


def monai_network(definition: dict[str, Any]) -> Any:
    """The network of a bundle's definition, untrained."""
    import torch
    from monai.networks import nets

    torch.manual_seed(5)
    given = {k: v for k, v in definition.items() if k != "_target_"}
    return getattr(nets, definition["_target_"])(**given)


def write_bundle(folder: Path, network: Any, definition: Any, **changes: Any) -> Path:
    """A bundle as the model zoo's, with the references and expressions that those have."""
    import torch

    transforms = [
        {"_target_": "LoadImaged", "keys": "@image_key"},
        {"_target_": "EnsureChannelFirstd", "keys": "@image_key"},
        {"_target_": "Orientationd", "keys": "@image_key", "axcodes": "RAS"},
        {"_target_": "Spacingd", "keys": "@image_key", "pixdim": "@pixdim", "mode": "bilinear"},
        {"_target_": "ScaleIntensityRanged", "keys": "@image_key", "a_min": LOW, "a_max": HIGH, "b_min": 0.0,
         "b_max": 1.0, "clip": True},
        {"_target_": "EnsureTyped", "keys": "@image_key", "device": "@device"},
    ]  # fmt: skip
    inference = {
        "imports": ["$import glob", "$import os"],
        "displayable_configs": {"highres": False},
        "image_key": "image",
        "device": "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
        "pixdim": "$[1.5, 1.5, 1.5] if @displayable_configs#highres else [6.0, 6.0, 6.0]",
        "network_def": definition,
        "network": "$@network_def.to(@device)",
        "preprocessing": {"_target_": "Compose", "transforms": transforms},
        "inferer": {"_target_": "SlidingWindowInferer", "roi_size": list(PATCH), "sw_batch_size": 4, "overlap": 0.5,
                    "mode": "gaussian", "padding_mode": "replicate"},
        "postprocessing": {"_target_": "Compose", "transforms": [
            {"_target_": "Activationsd", "keys": "pred", "softmax": True},
            {"_target_": "AsDiscreted", "keys": "pred", "argmax": True}]},
    }  # fmt: skip
    inference |= {k: v for k, v in changes.items() if k in inference}
    table = changes.get("channel_def", {str(v): name for v, name in enumerate(LABELS)})
    metadata = {
        "network_data_format": {
            "inputs": {"image": {"modality": "CT", "num_channels": 1}},
            "outputs": {"pred": {"channel_def": table} if table is not None else {}},
        }
    }
    for name in ("configs", "models"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "configs" / "inference.json").write_text(json.dumps(inference))
    (folder / "configs" / "metadata.json").write_text(json.dumps(metadata))
    torch.save(network.state_dict(), folder / "models" / "model.pt")
    return folder
