"""The InstanSeg engine on a small scripted network of the published interface: image in, labels out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scanwright.tools.engines.instanseg import instanseg_labels, normalised
from scanwright.tools.errors import ToolFailed


class Stripes(torch.nn.Module):
    """Label 1 + (column // 40) wherever the first channel is dark: nuclei in stripes."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        columns = torch.arange(image.shape[3]).view(1, 1, 1, -1).expand(1, 1, image.shape[2], image.shape[3])
        labels = torch.div(columns, 40, rounding_mode="floor") * 3 + 5
        return torch.where(image[:, :1] < 0.5, labels, torch.zeros_like(labels)).to(torch.float32)


class Halved(torch.nn.Module):
    """Gives labels of half of the size."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image[:, :1, ::2, ::2]


def saved(module: torch.nn.Module, folder: Path) -> torch.jit.ScriptModule:
    """Written as TorchScript and read back, as the published file is."""
    torch.jit.script(module).save(str(folder / "model.pt"))
    return torch.jit.load(str(folder / "model.pt"))


def picture() -> np.ndarray:
    rgb = np.full((70, 131, 3), 230, np.uint8)
    rgb[5:20, 3:12] = (90, 60, 140)
    rgb[40:66, 95:118] = (80, 50, 130)
    return rgb


def test_labels_lie_where_the_nuclei_are_and_count_from_one(tmp_path: Path) -> None:
    labels = instanseg_labels(saved(Stripes(), tmp_path), picture())
    assert labels.shape == (70, 131)
    assert labels[10, 6] == 1
    assert labels[50, 100] == 2
    assert sorted(np.unique(labels)) == [0, 1, 2]
    assert (labels == 1).sum() == 15 * 9


def test_an_image_full_of_nuclei_has_no_ground(tmp_path: Path) -> None:
    class Full(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return torch.full_like(image[:, :1], 7.0)

    assert np.unique(instanseg_labels(saved(Full(), tmp_path), picture())).tolist() == [1]


def test_other_weights_are_named_as_such(tmp_path: Path) -> None:
    with pytest.raises(ToolFailed, match="other weights"):
        instanseg_labels(saved(Halved(), tmp_path), picture())


def test_each_channel_runs_from_nought_to_one() -> None:
    image = normalised(np.random.default_rng(1).integers(30, 220, (200, 180, 3)).astype(np.uint8))
    assert np.percentile(image, 0.1, axis=(0, 1)) == pytest.approx([0, 0, 0], abs=0.01)
    assert np.percentile(image, 99.9, axis=(0, 1)) == pytest.approx([1, 1, 1], abs=0.01)


def test_a_flat_image_is_not_divided_by_nought() -> None:
    assert np.isfinite(normalised(np.full((20, 20, 3), 128, np.uint8))).all()
