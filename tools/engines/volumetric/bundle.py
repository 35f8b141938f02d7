"""MONAI bundles: configs/inference.json or .yaml, configs/metadata.json, models/model.pt or .safetensors."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scanwright.tools.engines.volumetric import vista
from scanwright.tools.engines.volumetric.checkpoint import fill, load_checkpoint, network_state
from scanwright.tools.engines.volumetric.config import Config, read_file
from scanwright.tools.engines.volumetric.model import Forward, VolumetricModel, Windows, plain
from scanwright.tools.engines.volumetric.preparing import Crop, Resample, Standardise, Step, Stretch, Window
from scanwright.tools.errors import ToolFailed

# The networks that are made, each with the module of monai.networks.nets that has it.
NETWORKS = {
    "SegResNet": "segresnet", "SegResNetDS": "segresnet_ds", "SegResNetDS2": "segresnet_ds", "UNETR": "unetr",
    "SwinUNETR": "swin_unetr", "DynUNet": "dynunet", "UNet": "unet", "vista3d132": "vista3d",
}  # fmt: skip
NEEDS_EINOPS = ("UNETR", "SwinUNETR")
INFERERS = ("SlidingWindowInferer", "SlidingWindowInfererAdapt", "Vista3dInferer")
# These read, cast or move; here that is done anyway.
NOTHING_TO_DO = frozenset({
    "LoadImaged", "EnsureTyped", "EnsureType", "EnsureChannelFirstd", "AddChanneld", "AsChannelFirstd", "CastToTyped",
    "ToTensord", "ToDeviced", "VistaPreTransformd",
})  # fmt: skip
WEIGHTS = ("models/model.pt", "models/model.safetensors")


def load_bundle(folder: Path, name: str) -> VolumetricModel:
    """The model of a bundle. Raises ToolFailed where it cannot be read, in one sentence that says what."""
    config, metadata = Config(read_file(folder, "inference")), read_file(folder, "metadata")
    kind, given = config.call(config.get("network_def") or config.get("network"), "network_def")
    if kind not in NETWORKS:
        raise ToolFailed(f"The bundle asks for the network {kind}, which is not known here: {', '.join(NETWORKS)} are.")
    labels = _labels(metadata)
    _one_image(given.get("in_channels", 1))
    axcodes, steps = _steps(config)
    path = next((folder / w for w in WEIGHTS if (folder / w).is_file()), None)
    if path is None:
        raise ToolFailed(f"The bundle {folder.name} has no {WEIGHTS[0]}: put its weights there.")
    network = fill(_network(kind, given), network_state(load_checkpoint(path), path), path)
    forward: Forward = plain
    heads: Any = "argmax"
    regions: tuple[int, ...] = ()
    channels = int(given.get("out_channels", 1))
    if kind == "vista3d132":
        classes = vista.automatic(labels)
        forward, channels = vista.forward_of(classes), len(classes)
        heads, regions = "best", classes
    elif _activation(config) == "sigmoid":
        if channels != 1:
            raise ToolFailed(
                "The bundle's channels may overlap, and a voxel has one label here: one channel, or softmax."
            )
        heads, regions, labels = "regions", (1,), labels if len(labels) > 1 else ("background", *labels)
    elif channels != len(labels):
        raise ToolFailed(f"The network has {channels} channels and metadata.json names {len(labels)}: name them all.")
    return VolumetricModel(
        name=name, axcodes=axcodes, steps=steps, windows=_windows(config), labels=labels, channels=channels,
        networks=(network,), forward=forward, heads=heads, regions=regions, modality=_modality(metadata),
    )  # fmt: skip


def _network(kind: str, given: dict[str, Any]) -> Any:
    if kind in NEEDS_EINOPS and importlib.util.find_spec("einops") is None:
        raise ToolFailed(f"The network {kind} needs the package einops: install scanwright[organs].")
    module = importlib.import_module(f"monai.networks.nets.{NETWORKS[kind]}")
    try:
        return getattr(module, kind)(**given)
    except (TypeError, ValueError, AssertionError, KeyError) as error:
        reason = (str(error).splitlines() or [""])[0].rstrip(".")
        raise ToolFailed(f"The bundle's {kind} cannot be made as it is described ({reason}).") from error


def _labels(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    try:
        table = metadata["network_data_format"]["outputs"]["pred"]["channel_def"]
        names = {int(k): str(v) for k, v in table.items()}
    except (KeyError, TypeError, AttributeError, ValueError):
        names = {}
    if not names:
        raise ToolFailed(
            "metadata.json has no table of labels (network_data_format, outputs, pred, channel_def), so what the "
            "network sees has no name: add it."
        )
    if max(names) > 255 or min(names) < 0:
        raise ToolFailed("metadata.json has labels outside 0 to 255, which a label map does not hold.")
    return tuple(names.get(v, f"label {v}") for v in range(max(names) + 1))


def _modality(metadata: Mapping[str, Any]) -> str | None:
    inputs = metadata.get("network_data_format", {}).get("inputs", {})
    said = next((str(v.get("modality", "")) for v in inputs.values() if isinstance(v, Mapping)), "")
    return {"CT": "CT", "MR": "MR", "MRI": "MR"}.get(said.upper())


def _one_image(inputs: Any) -> None:
    if inputs != 1:
        raise ToolFailed(f"This model looks at {inputs} images at once, and only models of one are run here.")


def _steps(config: Config) -> tuple[str, tuple[Step, ...]]:
    """The directions of the axes, and the steps, of the bundle's preprocessing."""
    written = config.get("preprocessing") or config.get("pre_transforms") or {}
    transforms = config.value(written, "preprocessing") if isinstance(written, str) else written
    if isinstance(transforms, Mapping):
        transforms = transforms.get("transforms")
    transforms = _list(config, transforms)
    axcodes = ""
    steps: list[Step] = []
    for each in transforms:
        kind = str(each.get("_target_", "")).rsplit(".", 1)[-1]
        if each.get("_disabled_") is True or kind in NOTHING_TO_DO:
            continue
        if kind == "Orientationd":
            axcodes = str(config.value(each.get("axcodes", "RAS"), kind)).upper()
            if sorted(axcodes.translate(str.maketrans("LPI", "RAS"))) != ["A", "R", "S"]:
                raise ToolFailed(f"The bundle turns the scan to {axcodes}, which are no directions.")
            if any(isinstance(s, Resample) and len(set(s.spacing_mm)) > 1 for s in steps):
                raise ToolFailed("The bundle resamples before it turns the scan, each axis by its own: turn it first.")
            continue
        maker = _MAKERS.get(kind)
        if maker is None:
            raise ToolFailed(
                f"The bundle prepares the scan with {kind or each}, which is not known here: leave it out."
            )
        arguments = {k: config.value(v, f"{kind}'s {k}") for k, v in each.items() if k in maker[1]}
        steps.append(maker[0](arguments))
    # A bundle that turns nothing was trained on scans as they were stored; here they are turned to RAS all the same.
    return axcodes or "RAS", tuple(steps)


def _list(config: Config, written: Any) -> list[dict[str, Any]]:
    """The transforms as they are written, a reference to their list followed."""
    for _ in range(5):
        if isinstance(written, list):
            break
        reference = str(written).strip().removeprefix("$").strip()
        written = config.get(reference.removeprefix("@")) if reference.startswith("@") else None
    if not isinstance(written, list) or not all(isinstance(t, dict) for t in written):
        raise ToolFailed("The bundle's preprocessing is no list of transforms: write it as one.")
    return written


def _spacing(given: dict[str, Any]) -> Step:
    mode = str(given.get("mode", "bilinear"))
    if mode not in ("bilinear", "nearest", "1", "0", "3"):
        raise ToolFailed(f"The bundle resamples by {mode}, which is not known here: bilinear and nearest are.")
    pixdim = given["pixdim"]
    i, j, k = [float(p) if p and p > 0 else 0.0 for p in (pixdim if isinstance(pixdim, list) else [pixdim] * 3)]
    return Resample((i, j, k), {"nearest": 0, "0": 0, "3": 3}.get(mode, 1))


def _range(given: dict[str, Any]) -> Step:
    low, high = float(given["a_min"]), float(given["a_max"])
    bottom, top = (0.0 if given.get("b_min") is None else given["b_min"]), given.get("b_max")
    return Window(low, high, float(bottom), float(1.0 if top is None else top), bool(given.get("clip", False)))


def _standardise(given: dict[str, Any]) -> Step:
    mean, deviation = given.get("subtrahend"), given.get("divisor")
    return Standardise(
        None if mean is None else float(mean),
        None if deviation is None else float(deviation),
        nonzero=bool(given.get("nonzero", False)),
    )


def _stretch(given: dict[str, Any]) -> Step:
    return Stretch(float(given.get("minv", 0.0)), float(given.get("maxv", 1.0)))


def _foreground(given: dict[str, Any]) -> Step:
    margin = given.get("margin", 0)
    return Crop("positive", int(max(margin) if isinstance(margin, list) else margin))


_MAKERS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "Spacingd": (_spacing, ("pixdim", "mode")),
    "ScaleIntensityRanged": (_range, ("a_min", "a_max", "b_min", "b_max", "clip")),
    "NormalizeIntensityd": (_standardise, ("nonzero", "subtrahend", "divisor")),
    "ScaleIntensityd": (_stretch, ("minv", "maxv")),
    "CropForegroundd": (_foreground, ("margin",)),
}


def _windows(config: Config) -> Windows:
    written = config.get("inferer")
    kind, given = "", {}
    if isinstance(written, Mapping):
        kind = str(written.get("_target_", "")).rsplit(".", 1)[-1]
        read = ("roi_size", "overlap", "mode", "padding_mode")
        given = {k: config.value(v, f"the inferer's {k}") for k, v in written.items() if k in read}
    if kind not in INFERERS:
        raise ToolFailed(f"The bundle looks by {kind or 'nothing that is named'}, and only sliding windows are known.")
    roi = given["roi_size"]
    i, j, k = (int(n) for n in (roi if isinstance(roi, list) else [roi] * 3))
    overlap = given.get("overlap", 0.25)
    mode = str(given.get("mode", "constant"))
    return Windows(
        patch=(i, j, k),
        step=1 - float(max(overlap) if isinstance(overlap, list) else overlap),
        even=False,
        weighting="gaussian" if mode == "gaussian" else "constant",
        padding="replicate" if given.get("padding_mode") == "replicate" else "constant",
    )


def _activation(config: Config) -> str:
    """ "sigmoid" where the bundle's postprocessing says so, else "softmax"."""
    written = config.get("postprocessing") or {}
    for each in written.get("transforms", ()) if isinstance(written, Mapping) else ():
        if isinstance(each, Mapping) and str(each.get("_target_", "")).endswith("Activationsd"):
            return "sigmoid" if each.get("sigmoid") is True else "softmax"
    return "softmax"
