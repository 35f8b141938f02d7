"""Outline, fat, lean tissue, bone and enhanced vessels on a trunk phantom; and a real abdominal CT."""

from __future__ import annotations

import numpy as np
import pytest
from body_trunk_phantom import FACTS, trunk
from scanwright.tools.errors import ToolInputError
from scanwright.tools.families import body_ct, body_ct_bone, lungs


@pytest.fixture(scope="module")
def phantom():
    return trunk()


def _dice(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


def test_the_body_is_outlined_without_table_and_lead_and_with_its_air(bench, phantom):
    hu, affine, truth = phantom
    body = bench.run(body_ct.body_outline, volume=bench.volume(hu, affine, **FACTS))
    found = bench.read(body)
    assert body.voxels == pytest.approx(truth["body"].sum(), rel=0.01)
    assert found[truth["lungs"] | truth["gas"]].all()
    assert not found[:, :8].any()


@pytest.mark.parametrize(
    ("tool", "name", "dice"),
    [
        (body_ct.fat, "fat", 0.995),
        (body_ct.lean_tissue, "lean", 0.995),
        (body_ct.body_soft_tissue, "soft_tissue", 0.995),
        (body_ct.subcutaneous_fat, "subcutaneous", 0.98),
        (body_ct.deep_fat, "deep", 0.97),
    ],
)
def test_tissues_are_those_that_were_put_in(bench, phantom, tool, name, dice):
    hu, affine, truth = phantom
    image = bench.volume(hu, affine, **FACTS)
    body = bench.run(body_ct.body_outline, volume=image)
    assert _dice(bench.read(bench.run(tool, volume=image, body=body)), truth[name]) >= dice


def test_subcutaneous_and_deep_fat_together_are_all_fat(bench, phantom):
    hu, affine, _ = phantom
    image = bench.volume(hu, affine, **FACTS)
    body = bench.run(body_ct.body_outline, volume=image)
    fat, under_skin, deep = (
        bench.read(bench.run(t, volume=image, body=body))
        for t in (body_ct.fat, body_ct.subcutaneous_fat, body_ct.deep_fat)
    )
    assert not (under_skin & deep).any()
    assert ((under_skin | deep) == fat).all()


@pytest.mark.parametrize("noise", [0.0, 12.0])
def test_bone_is_found_without_aorta_and_kidney(bench, noise):
    hu, affine, truth = trunk(noise=noise)
    image = bench.volume(hu, affine, **FACTS)
    body = bench.run(body_ct.body_outline, volume=image)
    bone = bench.read(bench.run(body_ct_bone.body_bone, volume=image, body=body))
    assert _dice(bone, truth["bone"]) > 0.98
    assert not bone[truth["aorta"] | truth["kidney"]].any()


def test_vessels_with_contrast_are_found_and_kidneys_apart_from_them_are_not(bench, phantom):
    hu, affine, truth = phantom
    image = bench.volume(hu, affine, **FACTS)
    body = bench.run(body_ct.body_outline, volume=image)
    vessels = bench.read(bench.run(body_ct_bone.bright_vessels, volume=image, body=body))
    assert _dice(vessels, truth["aorta"]) > 0.85
    assert not vessels[truth["kidney"] | truth["bone"]].any()


def test_without_contrast_no_bright_vessel_is_found(bench):
    hu, affine, _ = trunk(contrast=False)
    image = bench.volume(hu, affine, **FACTS)
    body = bench.run(body_ct.body_outline, volume=image)
    vessels = bench.run(body_ct_bone.bright_vessels, volume=image, body=body)
    assert vessels.voxels == 0
    assert any(flag.startswith("not found") for flag in vessels.flags)


def test_the_trunk_is_the_same_in_every_axis_order(bench, phantom, all_orders):
    hu, affine, _ = phantom
    seen = set()
    for stored, turned in list(all_orders(hu, affine))[::11]:
        image = bench.volume(stored, turned, **FACTS)
        body = bench.run(body_ct.body_outline, volume=image)
        tools = (body_ct.subcutaneous_fat, body_ct_bone.body_bone, body_ct_bone.bright_vessels)
        masks = [bench.run(tool, volume=image, body=body) for tool in tools]
        seen.add((body.voxels, body.touches, *(m.voxels for m in masks)))
    assert len(seen) == 1


def test_air_alone_has_no_body_and_nothing_in_it(bench):
    image = bench.volume(np.full((90, 70, 30), -1000, np.int16), np.diag([3.0, 3.0, 3.0, 1.0]), **FACTS)
    body = bench.run(body_ct.body_outline, volume=image)
    airway = bench.run(lungs.airways, volume=image, body=body)
    assert (body.voxels, airway.voxels) == (0, 0)
    for tool in (body_ct.fat, body_ct.subcutaneous_fat, body_ct.deep_fat, body_ct_bone.body_bone):
        assert bench.run(tool, volume=image, body=body).voxels == 0


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"modality": "CT", "body_part": "head", "unit": "[hnsf'U]"}, "shows the head"),
        ({"modality": "MR", "body_part": "abdomen", "unit": "1"}, "modality is MR"),
        ({"modality": "CT", "unit": "[hnsf'U]"}, "does not say what part of the body"),
    ],
)
def test_what_is_no_trunk_ct_is_refused(bench, phantom, facts, words):
    hu, affine, _ = phantom
    with pytest.raises(ToolInputError, match=words):
        bench.run(body_ct.body_outline, volume=bench.volume(hu, affine, **facts))


def test_a_small_cut_out_of_a_trunk_is_refused(bench, phantom):
    hu, affine, _ = phantom
    with pytest.raises(ToolInputError, match="field of view is"):
        bench.run(body_ct.body_outline, volume=bench.volume(hu[:60], affine, **FACTS))


@pytest.mark.data
def test_the_volumes_of_the_real_abdomen_are_those_that_were_looked_at(bench, data_dir):
    import nibabel

    scan = nibabel.load(data_dir / "totalsegmentator_reference" / "example_ct.nii.gz")
    image = bench.volume(np.asanyarray(scan.dataobj), scan.affine, **{**FACTS, "body_part": "abdomen"})
    body = bench.run(body_ct.body_outline, volume=image)
    airway = bench.run(lungs.airways, volume=image, body=body)
    both = bench.run(lungs.lungs, volume=image, body=body, airway=airway)
    bone = bench.run(body_ct_bone.body_bone, volume=image, body=body)
    under_skin = bench.run(body_ct.subcutaneous_fat, volume=image, body=body)
    right = bench.run(lungs.lung_of_side, volume=image, body=body, lungs=both, side="right")
    for mask, millilitres in ((body, 24021), (both, 117.1), (right, 73.8), (bone, 720), (under_skin, 5922)):
        assert mask.voxels * mask.geometry.voxel_ml == pytest.approx(millilitres, rel=0.02)
    assert airway.voxels == 0
