"""Liver against spleen on native CT: means, ratio, difference, grade, and when none is told."""

from __future__ import annotations

import numpy as np
import pytest
from scanwright.tools.contract.quantity import Point, Points, Quantity
from scanwright.tools.errors import ToolInputError
from scanwright.tools.families.liver_fat import GRADES, liver_spleen, liver_spleen_at_points, liver_spleen_picture
from scipy.ndimage import gaussian_filter

AFFINE = np.array([[2.5, 0, 0, -140.0], [0, 2.4, 0, -90.0], [0, 0, 3.0, 30.0], [0, 0, 0, 1.0]])
LIVER_AT, SPLEEN_AT = Point(x=62.0, y=-4.0, z=92.0), Point(x=-82.0, y=-30.0, z=98.0)
FACTS = {"modality": "CT", "body_part": "abdomen", "unit": "[hnsf'U]", "contrast": False}


def belly(liver_hu, spleen_hu):
    """HU with blurred edges and noise, and the two organs (bool), on the grid of AFFINE."""
    shape = (112, 76, 44)
    x, y, z = np.meshgrid(*(AFFINE[a, 3] + AFFINE[a, a] * np.arange(shape[a]) for a in range(3)), indexing="ij")
    liver = ((x - 62) / 56) ** 2 + ((y + 4) / 50) ** 2 + ((z - 90) / 42) ** 2 <= 1
    spleen = ((x + 82) / 26) ** 2 + ((y + 30) / 30) ** 2 + ((z - 98) / 34) ** 2 <= 1
    hu = np.where(liver, liver_hu, np.where(spleen, spleen_hu, -90.0))
    hu = gaussian_filter(hu, 1.0) + np.random.default_rng(4).normal(0, 20, shape)
    return np.round(hu).astype(np.int16), liver, spleen


@pytest.fixture
def by_masks(bench):
    def run(liver_hu, spleen_hu, **facts):
        hu, liver, spleen = belly(liver_hu, spleen_hu)
        image = bench.volume(hu, AFFINE, **{**FACTS, **facts})
        masks = {"liver": bench.mask(liver, image, "liver"), "spleen": bench.mask(spleen, image, "spleen")}
        return {m.quantity: m for m in bench.run(liver_spleen, volume=image, **masks).items}

    return run


@pytest.mark.parametrize(("liver_hu", "grade"), [(58.0, 0), (46.0, 1), (18.0, 2)])
def test_masks_give_ratio_difference_and_grade(by_masks, liver_hu, grade):
    found = by_masks(liver_hu, 48.0)
    assert found["liver_spleen_ratio"].value == pytest.approx(liver_hu / 48, abs=0.01)
    difference = found["liver_spleen_difference"]
    assert difference.value == pytest.approx(liver_hu - 48, abs=0.5)
    assert difference.uncertainty.low <= difference.value <= difference.uncertainty.high
    assert found["liver_fat_grade"].value == GRADES[grade]
    assert "Limanond" in found["liver_fat_grade"].method


def test_a_difference_near_a_threshold_says_which_grades_are_possible(by_masks):
    assert any("may be" in flag for flag in by_masks(53.0, 48.0)["liver_fat_grade"].flags)
    assert not any("may be" in flag for flag in by_masks(18.0, 48.0)["liver_fat_grade"].flags)


def test_points_give_the_same_however_the_scan_is_stored(bench, all_orders):
    hu, _, _ = belly(40.0, 50.0)
    seen = set()
    for voxels, affine in list(all_orders(hu, AFFINE))[::7]:
        image = bench.volume(voxels, affine, **FACTS)
        given = {"liver_at": Points(points=(LIVER_AT,)), "spleen_at": Points(points=(SPLEEN_AT,))}
        found = bench.run(liver_spleen_at_points, volume=image, **given)
        seen.add(tuple(round(m.value, 6) for m in found.items[:2]))
    assert len(seen) == 1
    ratio, difference = seen.pop()
    assert ratio == pytest.approx(0.8, abs=0.05)
    assert difference == pytest.approx(-10, abs=2.5)


def test_several_points_of_an_organ_count_alike(bench):
    hu, _, _ = belly(40.0, 50.0)
    hu[83:] += 20
    image = bench.volume(hu, AFFINE, **FACTS)
    liver_at = Points(points=(Point(x=52.0, y=-4.0, z=92.0 - 9), Point(x=84.0, y=0.0, z=92.0)))
    found = bench.run(
        liver_spleen_at_points, volume=image, liver_at=liver_at, spleen_at=Points(points=(SPLEEN_AT,)),
        radius=Quantity(value=1, unit="cm"),
    )  # fmt: skip
    assert found.items[1].value == pytest.approx((40 + 60) / 2 - 50, abs=4)


@pytest.mark.parametrize(
    ("hu", "changes", "words"),
    [
        ((50.0, 48.0), {"facts": {"contrast": True}}, "Contrast was given"),
        ((50.0, 48.0), {"facts": {"modality": "MR", "unit": "1"}}, "CT"),
        ((110.0, 120.0), {}, "without contrast"),
        ((50.0, 48.0), {"spleen_at": Points(points=(Point(x=55.0, y=-4.0, z=92.0),))}, "overlap"),
        ((50.0, 48.0), {"liver_at": Points(points=(Point(x=135.0, y=-4.0, z=92.0),))}, "field of view"),
        ((50.0, 48.0), {"radius": Quantity(value=60, unit="mm")}, "radius"),
    ],
)
def test_what_is_no_native_liver_and_spleen_is_refused(bench, hu, changes, words):
    image = bench.volume(belly(*hu)[0], AFFINE, **{**FACTS, **changes.pop("facts", {})})
    given = {"liver_at": Points(points=(LIVER_AT,)), "spleen_at": Points(points=(SPLEEN_AT,)), **changes}
    with pytest.raises(ToolInputError, match=words):
        bench.run(liver_spleen_at_points, volume=image, **given)


def test_contrast_that_the_file_does_not_name_is_flagged(by_masks):
    hu, liver, spleen = belly(50.0, 48.0)
    assert hu.size > liver.sum() > spleen.sum()
    found = by_masks(50.0, 48.0, contrast=None)
    assert found["liver_spleen_ratio"].value > 1


def test_the_picture_shows_the_right_organ_on_the_left(bench):
    import io

    from PIL import Image

    hu, _, _ = belly(50.0, 48.0)
    image = bench.volume(hu, AFFINE, **FACTS)
    figure = bench.run(
        liver_spleen_picture, volume=image, liver_at=Points(points=(LIVER_AT,)), spleen_at=Points(points=(SPLEEN_AT,))
    )
    picture = np.asarray(Image.open(io.BytesIO(bench.blobs.path(figure.blob).read_bytes())))[60:, :430].astype(int)
    orange = (abs(picture - (255, 150, 20)) < 30).all(axis=2)
    assert np.argwhere(orange)[:, 1].mean() < 180
    assert "right is on the left" in figure.caption


@pytest.mark.data
def test_a_real_native_ct_gives_the_same_by_masks_and_by_points(real_belly, bench):
    image, masks, centres = real_belly
    found = bench.run(liver_spleen, volume=image, **masks)
    points = bench.run(
        liver_spleen_at_points, volume=image, liver_at=Points(points=(centres["liver"],)),
        spleen_at=Points(points=(centres["spleen"],)),
    )  # fmt: skip
    assert found.items[1].value == pytest.approx(points.items[1].value, abs=6)


@pytest.fixture
def real_belly(data_dir, bench):
    """The native CT with a model's stored liver and spleen, and a point deep in each."""
    import nibabel as nib
    from scipy.ndimage import distance_transform_edt

    folder = data_dir / "totalsegmentator_reference"
    scan, labels = nib.load(folder / "example_ct.nii.gz"), nib.load(folder / "example_seg_fast_force_split.nii.gz")
    image = bench.volume(np.asanyarray(scan.dataobj).astype(np.int16), scan.affine, **FACTS)
    masks, centres = {}, {}
    for name, value in (("liver", 5), ("spleen", 1)):
        voxels = np.asanyarray(labels.dataobj) == value
        masks[name] = bench.mask(voxels, image, name)
        deepest = np.unravel_index(
            int(distance_transform_edt(np.pad(voxels, 1))[1:-1, 1:-1, 1:-1].argmax()), voxels.shape
        )
        x, y, z = (scan.affine @ [*deepest, 1])[:3]
        centres[name] = Point(x=x, y=y, z=z)
    return image, masks, centres
