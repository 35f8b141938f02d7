"""Nuclei by a network of InstanSeg's interface, made here: loaded only when accepted, and with no made-up range."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scanwright.tools.artifacts import Slide
from scanwright.tools.errors import ScanwrightError
from scanwright.tools.families.histology_instanseg import WEIGHTS, nuclei_by_instanseg
from scanwright.tools.families.histology_nuclei import nuclei_count
from scanwright.tools.morphology.slide_nuclei import BY_NETWORK
from scanwright.tools.testing import ToolBench
from scanwright.tools.weights.acceptance import accept
from scanwright.tools.weights.catalogue import CATALOGUE
from scanwright.tools.weights.store import WeightsStore

ENTRY = next(e for e in CATALOGUE if e.name == WEIGHTS)
# Middles (row, column) and half axes in pixels of 0.5 µm: no mirroring puts them onto one another.
NUCLEI = ((60, 70, 12, 9), (55, 150, 10, 14), (150, 240, 9, 9), (240, 350, 13, 8))


class Squares(torch.nn.Module):
    """A label for what is dark in each square of 100 pixels, which holds one nucleus of the phantom at most."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        rows = torch.arange(image.shape[2]).view(1, 1, -1, 1)
        columns = torch.arange(image.shape[3]).view(1, 1, 1, -1)
        labels = 1 + torch.div(rows, 100, rounding_mode="floor") * 100 + torch.div(columns, 100, rounding_mode="floor")
        labels = labels.expand(1, 1, image.shape[2], image.shape[3])
        return torch.where(image[:, :1] < 0.5, labels, torch.zeros_like(labels)).to(torch.float32)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    folder = tmp_path / "weights"
    (folder / "brightfield_nuclei").mkdir(parents=True)
    torch.jit.script(Squares()).save(str(folder / "brightfield_nuclei" / "instanseg.pt"))
    return folder


@pytest.fixture
def bench(tmp_path: Path, weights: Path) -> ToolBench:
    (tmp_path / "blobs").mkdir()
    return ToolBench(tmp_path / "blobs", weights_dir=weights)


def tile(bench: ToolBench) -> Slide:
    rgb = np.full((300, 400, 3), 246, np.uint8)
    rgb[20:290, 15:390] = (226, 170, 205)
    row, column = np.mgrid[:300, :400]
    for r, c, a, b in NUCLEI:
        rgb[((row - r) / a) ** 2 + ((column - c) / b) ** 2 <= 1] = (86, 58, 142)
    return bench.slide(rgb, 0.5, stain="H&E")


def test_a_program_of_no_known_hash_runs_only_when_a_person_says_so(bench: ToolBench, weights: Path) -> None:
    why = WeightsStore(weights).why_not(WEIGHTS)
    assert why is not None
    assert "a program that would run on this machine" in why
    with pytest.raises(ScanwrightError, match="a program that would run"):
        bench.run(nuclei_by_instanseg, slide=tile(bench))


def test_the_networks_nuclei_are_measured_where_they_lie(bench: ToolBench, weights: Path) -> None:
    accept(ENTRY, weights)
    slide = tile(bench)
    cells = bench.run(nuclei_by_instanseg, slide=slide)
    table = bench.ctx.cell_table(cells)
    found = sorted(zip(table["y"].round(), table["x"].round(), strict=True))
    assert found == sorted((float(r), float(c)) for r, c, _, _ in NUCLEI)
    areas = {(float(r), float(c)): np.pi * a * b * 0.25 for r, c, a, b in NUCLEI}
    for y, x, area in zip(table["y"], table["x"], table["area_um2"], strict=True):
        assert area == pytest.approx(areas[round(float(y)), round(float(x))], rel=0.03)
    assert BY_NETWORK in cells.flags


def test_a_networks_count_has_no_range_of_a_stains_threshold(bench: ToolBench, weights: Path) -> None:
    accept(ENTRY, weights)
    slide = tile(bench)
    counted = bench.run(nuclei_count, slide=slide, cells=bench.run(nuclei_by_instanseg, slide=slide))
    assert counted.value == len(NUCLEI)
    assert counted.uncertainty is None
