"""The brain on a real T1 scan, however it is stored; and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from scanwright.tools.contract.quantity import HU
from scanwright.tools.errors import ToolInputError
from scanwright.tools.families.brain import brain_extraction
from scanwright.tools.families.shape import mask_volume
from scanwright.tools.hashing import sha256_json


@pytest.mark.data
def test_the_brain_of_colin_27_has_1956_ml_of_template_space(bench, real_scan):
    brain = bench.run(brain_extraction, volume=real_scan("brain_t1"))
    volume = bench.run(mask_volume, mask=brain)
    assert volume.value == pytest.approx(1956, rel=0.02)
    assert brain.type.structure == "brain"
    assert any("the template's size" in flag for flag in volume.flags)
    assert not any("plausible" in flag or "not found" in flag for flag in brain.flags)


@pytest.mark.data
def test_the_brain_is_the_same_whichever_way_the_file_is_stored(bench, real_scan, all_orders):
    image = real_scan("brain_t1")
    orders = list(all_orders(bench.read(image), image.geometry.matrix))
    seen = set()
    for stored, turned in (orders[0], orders[13], orders[31], orders[47]):
        other = bench.volume(stored, turned, modality="MR", body_part="head", sequence="T1w")
        brain = bench.run(brain_extraction, volume=other)
        points = np.argwhere(bench.read(brain)) @ turned[:3, :3].T + turned[:3, 3]
        seen.add(sha256_json([brain.voxels, np.round(points.sum(axis=0), 3).tolist()]))
    assert len(seen) == 1


def test_an_image_without_a_brain_gives_an_empty_mask_that_says_so(bench):
    image = bench.volume(np.zeros((130, 140, 120), np.int16), modality="MR", body_part="head", sequence="T1w")
    brain = bench.run(brain_extraction, volume=image)
    assert brain.voxels == 0
    assert any(flag.startswith("not found") for flag in brain.flags)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"modality": "CT", "body_part": "head", "unit": HU}, "modality|this scan is CT"),
        ({"modality": "MR", "body_part": "chest"}, "shows the chest"),
        ({"modality": "MR"}, "what part of the body"),
    ],
)
def test_a_scan_that_the_networks_were_not_made_for_is_refused(bench, facts, words):
    with pytest.raises(ToolInputError, match=words):
        bench.run(brain_extraction, volume=bench.volume(np.zeros((130, 140, 120), np.int16), **facts))


@pytest.mark.parametrize("scale", [0.1, 10.0])
def test_a_scan_whose_size_no_head_has_is_refused(bench, scale):
    image = bench.volume(
        np.zeros((130, 140, 120), np.int16), np.diag([scale, scale, scale, 1.0]), modality="MR", body_part="head"
    )
    with pytest.raises(ToolInputError, match="field of view"):
        bench.run(brain_extraction, volume=image)


def test_another_sequence_than_t1_is_flagged(bench):
    image = bench.volume(np.zeros((130, 140, 120), np.int16), modality="MR", body_part="head", sequence="FLAIR")
    assert any("FLAIR" in flag for flag in bench.run(brain_extraction, volume=image).flags)
