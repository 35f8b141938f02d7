"""Weights of published models from files that are not trusted: tensors and plain values, never a program."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scanwright.tools.errors import ToolFailed
from scanwright.tools.weights.loading import load_safetensors

# Under one of these a file keeps its network, where it keeps more than that.
INSIDE = ("network_weights", "state_dict", "model", "model_state_dict", "network", "net")
# What wrappers put before each name.
BEFORE = ("_orig_mod.", "module.")


def load_checkpoint(path: Path) -> dict[str, Any]:
    """What a checkpoint holds, read without running anything of it; numpy's numbers and arrays are let in beside
    tensors.

    Raises ToolFailed where the file is damaged, or holds an object that is more than a value.
    """
    if path.suffix == ".safetensors":
        return dict(load_safetensors(path))
    import torch

    try:
        with torch.serialization.safe_globals(_numbers()):
            held = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ToolFailed(
            f"The weights {path.name} hold more than numbers, and what a file makes a program do is not run here: "
            "export them as safetensors."
        ) from error
    except (RuntimeError, EOFError, ValueError, OSError) as error:
        raise ToolFailed(f"The weights {path.name} are damaged or no torch file: get them again.") from error
    if not isinstance(held, dict):
        raise ToolFailed(f"The weights {path.name} hold a {type(held).__name__}, and named tensors are wanted.")
    return held


def network_state(held: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The tensors of the network by name. Raises ToolFailed where there are none."""
    import torch

    for name in INSIDE:
        if isinstance(held.get(name), Mapping):
            held = held[name]
            break
    state = {_bare(k): v for k, v in held.items() if isinstance(v, torch.Tensor)}
    if not state:
        raise ToolFailed(f"The weights {path.name} hold no tensors: get them again.")
    return state


def fill(network: Any, state: Mapping[str, Any], path: Path) -> Any:
    """network with the tensors of state, for looking only.

    Raises ToolFailed where a name or a shape is not the one that the description of the network asks for.
    """
    wanted = {k: tuple(v.shape) for k, v in network.state_dict().items()}
    missing = sorted(set(wanted) - set(state))
    wrong = [k for k in wanted if k in state and tuple(state[k].shape) != wanted[k]]
    if missing or wrong:
        what = f"{missing[0]} is missing" if missing else f"{wrong[0]} has the shape {tuple(state[wrong[0]].shape)}"
        raise ToolFailed(
            f"The weights {path.name} are not those of the network that is described beside them ({what}): get the "
            "whole folder again."
        )
    network.load_state_dict({k: state[k] for k in wanted})
    return network.eval().requires_grad_(False)


def _bare(name: str) -> str:
    for before in BEFORE:
        name = name.removeprefix(before)
    return name


def _numbers() -> list[Any]:
    """numpy's scalars, arrays and the types of their numbers, under the names that old and new files use."""
    import numpy as np
    from numpy._core import multiarray

    kinds = [
        getattr(np.dtypes, f"{k}DType") for k in ("Float64", "Float32", "Float16", "Int64", "Int32", "UInt8", "Bool")
    ]
    scalars = [np.float64, np.float32, np.int64, np.int32, np.bool_]
    functions = [
        (getattr(multiarray, name), f"{place}.{name}")
        for name in ("scalar", "_reconstruct")
        for place in ("numpy.core.multiarray", "numpy._core.multiarray")
    ]
    return [np.dtype, np.ndarray, *kinds, *scalars, *functions]
