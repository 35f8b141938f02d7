"""nnU-Net v2 model folders, TotalSegmentator's among them: dataset.json, plans.json, fold_X/checkpoint_final.pth."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scanwright.tools.engines.volumetric.checkpoint import fill, load_checkpoint, network_state
from scanwright.tools.engines.volumetric.model import VolumetricModel, Windows, plain
from scanwright.tools.engines.volumetric.nnunet_networks import Design, unet
from scanwright.tools.engines.volumetric.preparing import Crop, Resample, Standardise, Step, Stretch
from scanwright.tools.errors import ToolFailed

CHECKPOINTS = ("checkpoint_final.pth", "checkpoint_best.pth", "checkpoint_final.safetensors")
CONFIGURATIONS = ("3d_fullres", "3d_lowres")
# These readers turn a scan to right–anterior–superior and give its axes in the order z, y, x.
TURNED_TO_RAS = ("NibabelIOWithReorient",)
# Others read it as it is stored; of those DICOM's own directions are the likeliest.
AS_STORED = "the model's folder does not say which way it reads a scan: left–posterior–superior was taken"
PLAIN, RESIDUAL = "PlainConvUNet", "ResidualEncoderUNet"


def load_nnunet(folder: Path, name: str) -> VolumetricModel:
    """The model in a folder, all folds that are there. Raises ToolFailed where it cannot be read, in one sentence."""
    dataset, plans = _read(folder, "dataset.json"), _read(folder, "plans.json")
    configuration = _configuration(folder, plans)
    labels, regions = _labels(dataset)
    channels = len(regions) or len(labels)
    design = design_of(configuration, channels)
    networks, mirrors = _folds(folder, design)
    order = tuple(int(a) for a in plans.get("transpose_forward", (0, 1, 2)))
    axcodes, notes = _directions(dataset, plans)
    channel = _channel(dataset)
    return VolumetricModel(
        name=name,
        axcodes="".join(axcodes[a] for a in order),
        steps=_steps(configuration, plans),
        windows=Windows(patch=_triple(configuration["patch_size"])),
        labels=labels,
        channels=channels,
        networks=networks,
        forward=plain,
        heads="regions" if regions else "argmax",
        regions=regions,
        mirrors=mirrors,
        modality="CT" if channel.upper() == "CT" else None,
        notes=notes,
    )


def design_of(configuration: Mapping[str, Any], classes: int) -> Design:
    """The network of a configuration of plans.json, in its old form or its new one.

    Raises ToolFailed where it is neither of the two that are known, or is built of other parts.
    """
    if "architecture" in configuration:
        said = configuration["architecture"]
        kind, given = str(said["network_class_name"]).rsplit(".", 1)[-1], said["arch_kwargs"]
        _known(kind)
        for part, wanted in (("conv_op", "Conv3d"), ("norm_op", "InstanceNorm3d"), ("nonlin", "LeakyReLU")):
            if not str(given.get(part)).endswith(wanted):
                raise ToolFailed(f"The plan asks for {part} {given.get(part)}, and only {wanted} is known here.")
        if given.get("dropout_op"):
            raise ToolFailed("The plan asks for dropout, which is not known here: give a model without.")
        return Design(
            residual=kind == RESIDUAL,
            inputs=1,
            classes=classes,
            features=tuple(given["features_per_stage"]),
            kernels=_triples(given["kernel_sizes"]),
            strides=_triples(given["strides"]),
            convolutions=tuple(given["n_blocks_per_stage" if kind == RESIDUAL else "n_conv_per_stage"]),
            up=tuple(given["n_conv_per_stage_decoder"]),
            bias=bool(given.get("conv_bias", False)),
            epsilon=float((given.get("norm_op_kwargs") or {}).get("eps", 1e-5)),
        )
    kind = str(configuration.get("UNet_class_name"))
    _known(kind)
    kernels = _triples(configuration["conv_kernel_sizes"])
    base, most = int(configuration["UNet_base_num_features"]), int(configuration["unet_max_num_features"])
    return Design(
        residual=kind == RESIDUAL,
        inputs=1,
        classes=classes,
        features=tuple(min(base * 2**stage, most) for stage in range(len(kernels))),
        kernels=kernels,
        strides=_triples(configuration["pool_op_kernel_sizes"]),
        convolutions=tuple(configuration["n_conv_per_stage_encoder"]),
        up=tuple(configuration["n_conv_per_stage_decoder"]),
    )


def _known(kind: str) -> None:
    if kind not in (PLAIN, RESIDUAL):
        raise ToolFailed(f"The plan asks for the network {kind}, and only {PLAIN} and {RESIDUAL} are known here.")


def _read(folder: Path, file: str) -> dict[str, Any]:
    try:
        held = json.loads((folder / file).read_text("utf-8"))
    except FileNotFoundError:
        raise ToolFailed(f"The model folder {folder.name} has no {file}: copy the whole folder again.") from None
    except ValueError as error:
        raise ToolFailed(f"{file} of the model folder {folder.name} is no JSON: copy it again.") from error
    if not isinstance(held, dict):
        raise ToolFailed(f"{file} of the model folder {folder.name} does not describe a model: copy it again.")
    return held


def _configuration(folder: Path, plans: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration that the folder's name ends with, else the first 3D one, with what it inherits."""
    every = plans.get("configurations") or {}
    named = [folder.name.rsplit("__", 1)[-1]] if "__" in folder.name else []
    for name in (*named, *CONFIGURATIONS):
        if name in every:
            made = dict(every[name])
            while parent := made.pop("inherits_from", None):
                made = {**every[parent], **made}
            if len(made.get("patch_size", ())) == 3:
                return made
    raise ToolFailed(f"The plan of {folder.name} has no 3D configuration at full resolution: give one that has.")


def _labels(dataset: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Names of the values 0, 1, 2, …, and for a network of regions which value each channel paints."""
    table = dataset.get("labels")
    if not isinstance(table, dict) or not table:
        raise ToolFailed("dataset.json has no table of labels, so what the network sees has no name: add it.")
    order = dataset.get("regions_class_order")
    if order:
        names = [n for n, value in table.items() if n not in ("background", "ignore")]
        painted = {int(value): name for value, name in zip(order, names, strict=True)}
        regions = tuple(int(v) for v in order)
    else:
        try:
            painted = {int(v): n for n, v in table.items() if n != "ignore"}
        except (TypeError, ValueError) as error:
            raise ToolFailed("dataset.json has labels that are no numbers, and no order of regions: add it.") from error
        regions = ()
    names_by_value = {0: "background", **painted}
    if max(names_by_value) > 255:
        raise ToolFailed("dataset.json has labels above 255, which a label map does not hold: give smaller ones.")
    return tuple(names_by_value.get(v, f"label {v}") for v in range(max(names_by_value) + 1)), regions


def _channel(dataset: Mapping[str, Any]) -> str:
    channels = dataset.get("channel_names") or dataset.get("modality") or {}
    if len(channels) != 1:
        raise ToolFailed(f"This model looks at {len(channels)} images at once, and only models of one are run here.")
    return str(next(iter(channels.values())))


def _directions(dataset: Mapping[str, Any], plans: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """The directions of the axes z, y, x as the model's reader gives them, and what is to be said of that."""
    reader = dataset.get("overwrite_image_reader_writer") or plans.get("image_reader_writer")
    if reader in TURNED_TO_RAS:
        return "SAR", ()
    stored = str(dataset.get("orientation", "")).upper()
    if sorted(stored.translate(str.maketrans("LPI", "RAS"))) == ["A", "R", "S"]:
        return stored[::-1], ()
    return "SPL", (AS_STORED,)


def _steps(configuration: Mapping[str, Any], plans: Mapping[str, Any]) -> tuple[Step, ...]:
    """Crop to what is not nought, normalise, resample: in nnU-Net's order."""
    scheme = str(configuration["normalization_schemes"][0])
    known: dict[str, Step | None] = {
        "ZScoreNormalization": Standardise(
            nonzero=bool((configuration.get("use_mask_for_norm") or [False])[0]), filled=True
        ),
        "NoNormalization": None,
        "RescaleTo01Normalization": Stretch(),
    }
    if scheme == "CTNormalization":
        found = plans["foreground_intensity_properties_per_channel"]["0"]
        normal: Step | None = Standardise(
            float(found["mean"]), float(found["std"]), float(found["percentile_00_5"]), float(found["percentile_99_5"])
        )
    elif scheme in known:
        normal = known[scheme]
    else:
        raise ToolFailed(f"The plan asks for {scheme}, which is not known here: CT, z-score, 0 to 1 or none are.")
    s = [float(v) for v in configuration["spacing"]]
    order = int((configuration.get("resampling_fn_data_kwargs") or {}).get("order", 3))
    resample = Resample((s[0], s[1], s[2]), order, "edges", 0)
    return tuple(step for step in (Crop("nonzero"), normal, resample) if step is not None)


def _folds(folder: Path, design: Design) -> tuple[tuple[Any, ...], tuple[int, ...]]:
    networks: list[Any] = []
    mirrors: tuple[int, ...] = ()
    for fold in sorted(folder.glob("fold_*")):
        path = next((fold / c for c in CHECKPOINTS if (fold / c).is_file()), None)
        if path is None:
            continue
        held = load_checkpoint(path)
        networks.append(fill(unet(design), network_state(held, path), path))
        mirrors = tuple(int(a) for a in held.get("inference_allowed_mirroring_axes") or ())
    if not networks:
        raise ToolFailed(f"The model folder {folder.name} has no fold with a {CHECKPOINTS[0]}: copy it whole.")
    return tuple(networks), mirrors


def _triple(values: Any) -> tuple[int, int, int]:
    i, j, k = (int(v) for v in values)
    return i, j, k


def _triples(values: Any) -> tuple[tuple[int, ...], ...]:
    return tuple((int(v),) * 3 if isinstance(v, int) else tuple(int(n) for n in v) for v in values)
