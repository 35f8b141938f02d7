"""The head on CT: a phantom with a skull, a sinus, a nasal passage, a headrest and a loose piece; and a real scan."""

from __future__ import annotations

import numpy as np
import pytest
from scanwright.tools.contract.quantity import HU
from scanwright.tools.errors import ToolInputError
from scanwright.tools.families import head_ct
from scanwright.tools.families.shape import mask_volume

FACTS = {"modality": "CT", "body_part": "head", "unit": HU}


@pytest.fixture
def phantom():
    """HU (100, 120, 70) of 2×2×3 mm; the head is cut by the lower face. Truth by name."""
    steps = np.diag([2.0, 2.0, 3.0, 1.0])
    x, y, z = np.meshgrid(2.0 * np.arange(100), 2.0 * np.arange(120), 3.0 * np.arange(70), indexing="ij")
    radius = np.sqrt(((x - 103) / 70) ** 2 + ((y - 125) / 90) ** 2 + ((z - 85) / 100) ** 2)
    head = radius <= 1
    bone = (radius <= 0.92) & (radius >= 0.84)
    sinus = (np.abs(x - 110) <= 15) & (np.abs(y - 175) <= 10) & (np.abs(z - 60) <= 12)
    passage = (np.abs(x - 108) <= 2) & (y > 175) & (np.abs(z - 60) <= 3) & head
    loose = (np.abs(x - 80) <= 4) & (np.abs(y - 110) <= 4) & (np.abs(z - 100) <= 6)
    rest = (np.abs(x - 100) <= 80) & (np.abs(y - 29) < 2)
    rest |= (np.abs(x - 104) <= 1) & (np.abs(y - 33) <= 5) & (np.abs(z - 85) <= 1)
    hu = np.full(head.shape, -1000, np.int16)
    hu[head] = 40
    hu[head & (radius > 0.96)] = -100
    hu[bone & head] = 900
    hu[loose] = 500
    hu[rest] = 200
    hu[sinus | passage] = -1000
    bone &= ~(sinus | passage)
    return hu, steps, {"head": head, "skull": bone, "bone": bone | loose, "air_space": (sinus | passage) & head}


def test_the_head_has_its_air_inside_and_its_headrest_outside(bench, phantom):
    hu, affine, truth = phantom
    head = bench.run(head_ct.head_outline, volume=bench.volume(hu, affine, **FACTS))
    assert head.voxels == pytest.approx(truth["head"].sum(), rel=0.02)
    found = bench.read(head)
    assert found[truth["air_space"]].mean() > 0.98
    assert not found[:, :16].any()
    assert any("inferior edge" in flag for flag in head.flags)
    assert not any("superior" in flag for flag in head.flags)


def test_bone_skull_and_air_are_exact_on_a_phantom(bench, phantom):
    hu, affine, truth = phantom
    image = bench.volume(hu, affine, **FACTS)
    head = bench.run(head_ct.head_outline, volume=image)
    bone = bench.run(head_ct.bone, volume=image, head=head)
    assert (bench.read(bone) == truth["bone"]).all()
    assert (bench.read(bench.run(head_ct.skull, volume=image, bone=bone)) == truth["skull"]).all()
    air = bench.read(bench.run(head_ct.air_spaces, volume=image, head=head))
    assert air.sum() == pytest.approx(truth["air_space"].sum(), rel=0.03)
    assert not (air & ~truth["air_space"] & truth["head"]).any()
    soft = bench.read(bench.run(head_ct.soft_tissue, volume=image, head=head))
    assert (soft == (truth["head"] & ~truth["bone"] & ~truth["air_space"])).mean() > 0.9999


def test_the_head_is_the_same_in_all_48_axis_orders(bench, phantom, all_orders):
    hu, affine, _ = phantom
    seen = set()
    for stored, turned in list(all_orders(hu, affine))[::5]:
        image = bench.volume(stored, turned, **FACTS)
        head = bench.run(head_ct.head_outline, volume=image)
        air = bench.run(head_ct.air_spaces, volume=image, head=head)
        seen.add((head.voxels, air.voxels, head.touches))
    assert len(seen) == 1


def test_a_scan_of_nothing_but_air_has_no_head(bench):
    image = bench.volume(np.full((60, 60, 60), -1000, np.int16), np.diag([3.0, 3.0, 3.0, 1.0]), **FACTS)
    head = bench.run(head_ct.head_outline, volume=image)
    bone = bench.run(head_ct.bone, volume=image, head=head)
    for mask in (head, bone, bench.run(head_ct.skull, volume=image, bone=bone)):
        assert mask.voxels == 0
        assert any(flag.startswith("not found") for flag in mask.flags)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"modality": "MR", "body_part": "head"}, "modality|this scan is MR"),
        ({"modality": "CT", "body_part": "chest", "unit": HU}, "shows the chest"),
        ({"modality": "CT", "body_part": "head", "unit": "1"}, "needs voxels in HU"),
        ({"body_part": "head", "unit": HU}, "does not say what modality"),
    ],
)
def test_a_scan_that_is_no_head_ct_is_refused(bench, phantom, facts, words):
    hu, affine, _ = phantom
    with pytest.raises(ToolInputError, match=words):
        bench.run(head_ct.head_outline, volume=bench.volume(hu, affine, **facts))


@pytest.mark.data
def test_the_volumes_of_the_real_head_are_those_that_were_looked_at(bench, real_scan):
    image = real_scan("head_ct")
    head = bench.run(head_ct.head_outline, volume=image)
    bone = bench.run(head_ct.bone, volume=image, head=head)
    masks = {
        "head": head,
        "bone": bone,
        "skull": bench.run(head_ct.skull, volume=image, bone=bone),
        "air_space": bench.run(head_ct.air_spaces, volume=image, head=head),
        "soft_tissue": bench.run(head_ct.soft_tissue, volume=image, head=head),
    }
    found = {name: bench.run(mask_volume, mask=mask) for name, mask in masks.items()}
    seen = {"head": 3218, "bone": 595, "skull": 595, "air_space": 67.5, "soft_tissue": 2513}
    for name, millilitres in seen.items():
        assert found[name].value == pytest.approx(millilitres, rel=0.02)
        assert found[name].bound == "lower"
