"""Loading weights runs no code that they bring."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from scanwright.tools.errors import ToolFailed
from scanwright.tools.hashing import sha256_file
from scanwright.tools.weights.catalogue import Folder, WeightsEntry, WeightsFile
from scanwright.tools.weights.loading import load_safetensors, load_state_dict, load_torchscript
from scanwright.tools.weights.store import WeightsStore


class Payload:
    """A pickle that makes a folder when it is loaded."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> object:
        return os.mkdir, (str(self.trace),)


def catalogued(file: Path) -> Path:
    """The file as a store resolves it: verified, whatever it holds."""
    entry = WeightsEntry(
        name="toy", licence="CC0-1.0", source="made here", places=(Folder(path="."),),
        files=(WeightsFile(role="model", file=file.name, sha256=sha256_file(file), size=file.stat().st_size),),
    )  # fmt: skip
    return WeightsStore(file.parent, catalogue=[entry]).resolve("toy")["model"]


@pytest.mark.parametrize("load", [load_state_dict, load_torchscript])
def test_a_malicious_pickle_with_a_valid_hash_is_refused_and_not_executed(load: object, tmp_path: Path) -> None:
    import torch

    trace, file = tmp_path / "trace", tmp_path / "model.pt"
    torch.save({"weight": torch.ones(3), "more": Payload(trace)}, file)
    with pytest.raises(ToolFailed, match=r"model\.pt"):
        load(catalogued(file))  # type: ignore[operator]
    assert not trace.exists()
    torch.load(file, weights_only=False)
    assert trace.exists(), "the payload works where a pickle is trusted, so the refusal above means something"


@pytest.mark.parametrize("load", [load_state_dict, load_safetensors, load_torchscript])
def test_a_file_that_no_store_has_verified_is_not_read(load: object, tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"anything")
    with pytest.raises(ToolFailed, match="have not been checked against a known hash"):
        load(file)  # type: ignore[operator]


def test_a_verified_file_that_changed_afterwards_is_not_read(tmp_path: Path) -> None:
    import torch

    file = tmp_path / "model.pt"
    torch.save({"weight": torch.ones(3)}, file)
    path = catalogued(file)
    assert load_state_dict(path)["weight"].tolist() == [1.0, 1.0, 1.0]
    torch.save({"weight": torch.zeros(64)}, file)
    with pytest.raises(ToolFailed, match="have not been checked"):
        load_state_dict(path)


def test_safetensors_come_back_as_they_were_written(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    file = tmp_path / "model.safetensors"
    save_file({"a": torch.arange(6).reshape(2, 3)}, file)
    assert load_state_dict(catalogued(file))["a"].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_a_file_that_is_no_safetensors_is_refused_with_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"\x08\x00\x00\x00\x00\x00\x00\x00{not json")
    with pytest.raises(ToolFailed, match="no safetensors file"):
        load_safetensors(catalogued(file))


def test_the_brain_extraction_network_loads_and_runs() -> None:
    import torch

    model = load_torchscript(WeightsStore().resolve("deepbet")["model"])
    assert not model.training
    with torch.inference_mode():
        assert model(torch.zeros(1, 1, 32, 32, 32)).shape[-3:] == (32, 32, 32)
