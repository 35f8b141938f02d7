"""Model folders of either kind: which kind a folder is, where its files lie, and the model that it holds."""

from __future__ import annotations

from pathlib import Path

from scanwright.tools.engines.volumetric.bundle import load_bundle
from scanwright.tools.engines.volumetric.model import VolumetricModel
from scanwright.tools.engines.volumetric.nnunet import load_nnunet
from scanwright.tools.errors import ToolFailed


def load_folder(folder: Path, name: str) -> VolumetricModel:
    """The model of a MONAI bundle or an nnU-Net folder, or of the one such folder inside.

    Raises ToolFailed, in one sentence, where it is neither or cannot be read.
    """
    found = model_root(folder)
    if found is None:
        raise ToolFailed(
            f"The folder {folder.name} holds no model that is known: a MONAI bundle (configs/inference.json) or an "
            "nnU-Net folder (plans.json) is wanted."
        )
    return load_nnunet(found, name) if (found / "plans.json").is_file() else load_bundle(found, name)


def model_root(folder: Path) -> Path | None:
    """folder itself, or the first folder in it, at most two deep, that is a bundle or an nnU-Net folder."""
    for each in (folder, *sorted(folder.glob("*/")), *sorted(folder.glob("*/*/"))):
        if (each / "plans.json").is_file() and (each / "dataset.json").is_file():
            return each
        if any((each / "configs" / f"inference{s}").is_file() for s in (".json", ".yaml", ".yml")):
            return each
    return None
