"""Loads weights without running code from them: verified TorchScript, safetensors, or torch's weights_only.

torch is imported inside, so this module is cheap to import.
"""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scanwright.tools.errors import ToolFailed
from scanwright.tools.weights.verified import require_verified

if TYPE_CHECKING:
    import torch


def load_torchscript(path: Path, device: str = "cpu") -> Any:
    """A TorchScript module in evaluation mode.

    A TorchScript file is a program: it is read only after WeightsStore has verified its hash in this process.
    Raises ToolFailed where it was not verified or is no TorchScript file.
    """
    require_verified(path)
    import torch

    with warnings.catch_warnings():
        # torch.jit is on its way out in favour of torch.export; published weights are TorchScript all the same.
        warnings.simplefilter("ignore")
        try:
            module = torch.jit.load(str(path), map_location=device)
        except (RuntimeError, ValueError) as error:
            raise ToolFailed(f"The weights {path.name} are no TorchScript file: {_first_line(error)}.") from error
        return module.eval()


def load_safetensors(path: Path, device: str = "cpu") -> dict[str, torch.Tensor]:
    """Tensors by name; the format holds nothing but tensors. Raises ToolFailed where the file is something else."""
    require_verified(path)
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors: dict[str, torch.Tensor] = load_file(path, device=device)
    except (SafetensorError, ValueError) as error:
        raise ToolFailed(f"The weights {path.name} are no safetensors file: {_first_line(error)}.") from error
    return tensors


def load_state_dict(path: Path, device: str = "cpu") -> dict[str, Any]:
    """A state dict from .safetensors, or from a torch file read with weights_only=True (nothing else is unpickled).

    Raises ToolFailed where the file holds anything but tensors and plain containers.
    """
    if path.suffix == ".safetensors":
        return load_safetensors(path, device)
    require_verified(path)
    import torch

    try:
        state = torch.load(path, map_location=device, weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise ToolFailed(
            f"The weights {path.name} hold more than tensors, so they are not loaded: convert them to safetensors."
        ) from error
    if not isinstance(state, dict):
        raise ToolFailed(f"The weights {path.name} hold a {type(state).__name__}, and a state dict is wanted.")
    return state


def load_joined_state_dict(parts: Sequence[Path]) -> dict[str, Any]:
    """A state dict whose torch file was published in parts, read like load_state_dict; the parts are in order.

    Raises ToolFailed where they hold anything but tensors and plain containers.
    """
    for part in parts:
        require_verified(part)
    import io

    import torch

    whole = io.BytesIO()
    for part in parts:
        whole.write(part.read_bytes())
    whole.seek(0)
    try:
        state = torch.load(whole, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise ToolFailed(
            f"The weights {parts[0].name} and its further parts hold more than tensors, so they are not loaded: "
            "get them again."
        ) from error
    if not isinstance(state, dict):
        raise ToolFailed(f"The weights {parts[0].name} hold a {type(state).__name__}, and a state dict is wanted.")
    return state


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
