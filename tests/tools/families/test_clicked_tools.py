"""The structure at a point: phantoms with noise, clicks that correct, and what is said where nothing is found."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scanwright.tools.artifacts import Mask
from scanwright.tools.contract.quantity import Point, Points, Quantity
from scanwright.tools.errors import ToolInputError
from scanwright.tools.families.clicked import clicked_structure
from scanwright.tools.imaging import orient
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.morphology.seeded import Prompt, WindowEngine
from scanwright.tools.testing import ToolBench

Stored = tuple[NDArray[Any], NDArray[np.float64]]

STEP = np.array([0.9, 1.1, 2.5])
SHAPE = (60, 54, 30)
CENTRE = np.array([24.0, 28.0, 33.0])


def affine() -> NDArray[np.float64]:
    matrix = np.diag([*STEP, 1.0])
    matrix[:3, 3] = (-20.0, 11.0, 4.0)
    return matrix


def point(mm: Any) -> Point:
    """A point of the phantom's own frame, in the scan's."""
    x, y, z = np.asarray(mm, dtype=float) + affine()[:3, 3]
    return Point(x=float(x), y=float(y), z=float(z))


def off(x: float, y: float, z: float) -> NDArray[np.float64]:
    """A place so many mm from the middle of the body."""
    return CENTRE + np.array([x, y, z])


def ball(centre: Any, half: Any) -> NDArray[np.bool_]:
    grid = np.stack(np.meshgrid(*(np.arange(n) * s for n, s in zip(SHAPE, STEP, strict=True)), indexing="ij"), -1)
    return np.asarray((((grid - np.asarray(centre)) / np.asarray(half)) ** 2).sum(-1) <= 1)


def bean() -> NDArray[np.bool_]:
    """Two joined ellipsoids: no axis is like another, and no half like the other."""
    return ball(CENTRE, (10, 8, 14)) | ball(off(5, 9, 4), (7, 8, 9))


def image(bright: NDArray[np.bool_], noise: float = 20.0) -> NDArray[np.int16]:
    values = np.where(bright, 100.0, 0.0) + np.random.default_rng(3).normal(0, noise, SHAPE)
    return np.round(values).astype(np.int16)


def dice(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return 2 * float((one & other).sum()) / float(one.sum() + other.sum())


def clicked(bench: ToolBench, voxels: NDArray[Any], at: Any, **given: Any) -> Mask:
    volume = bench.volume(voxels, affine(), modality="MR")
    result = bench.run(clicked_structure, volume=volume, at=point(at), **given)
    assert isinstance(result, Mask)
    return result


@pytest.mark.parametrize("noise", [5.0, 25.0, 50.0])
def test_one_click_outlines_a_bent_body_in_noise_on_anisotropic_voxels(bench: ToolBench, noise: float) -> None:
    mask = clicked(bench, image(bean(), noise), CENTRE)
    assert dice(bench.read(mask), bean()) > 0.92
    assert mask.type.structure == "clicked_structure"


def test_a_dark_body_is_outlined_as_well_as_a_bright_one(bench: ToolBench) -> None:
    assert dice(bench.read(clicked(bench, -image(bean()), CENTRE)), bean()) > 0.93


@pytest.mark.parametrize("place", [(-4, -3, -6), (6, 10, 5), (2, 4, 1)])
def test_where_in_the_body_the_click_lies_matters_little(bench: ToolBench, place: tuple[int, int, int]) -> None:
    assert dice(bench.read(clicked(bench, image(bean()), off(*place))), bean()) > 0.9


@pytest.mark.parametrize(("within", "axis"), [("axial", 2), ("coronal", 1), ("sagittal", 0)])
def test_within_a_slice_only_that_slice_is_outlined(bench: ToolBench, within: str, axis: int) -> None:
    found = bench.read(clicked(bench, image(bean()), CENTRE, within=within))
    here = round(CENTRE[axis] / STEP[axis])
    assert set(np.argwhere(found)[:, axis]) == {here}
    assert dice(found.take(here, axis), bean().take(here, axis)) > 0.9


def test_all_axis_orders_give_the_same_mask(bench: ToolBench, all_orders: Callable[..., Iterator[Stored]]) -> None:
    masks = set()
    for voxels, matrix in all_orders(image(bean()), affine()):
        volume = bench.volume(voxels, matrix, modality="MR")
        given = {"more": Points(points=(point(off(5, 9, 4)),)), "not_at": Points(points=(point((8, 8, 10)),))}
        mask = bench.run(clicked_structure, volume=volume, at=point(CENTRE), **given)
        turned, _, _ = orient.canonical(bench.read(mask), Geometry.of(voxels.shape, matrix))
        masks.add(np.ascontiguousarray(turned).tobytes())
    assert len(masks) == 1


def test_a_click_outside_takes_a_joined_body_away(bench: ToolBench) -> None:
    other = ball((44, 22, 40), (8, 7, 12))
    neck = ball((35, 25, 36), (9, 5, 6)) & ~bean() & ~other
    voxels = image(bean() | neck | other, 10.0)
    before = bench.read(clicked(bench, voxels, (36, 25, 36)))
    assert (before & other).sum() > 0.8 * other.sum()
    after = bench.read(clicked(bench, voxels, CENTRE, not_at=Points(points=(point((44, 22, 40)),))))
    assert (after & other).sum() < 0.2 * other.sum()
    assert (after & bean()).sum() > 0.8 * bean().sum()


def test_a_further_click_adds_a_part_of_another_brightness(bench: ToolBench) -> None:
    cap = ball(off(0, -9, 0), (6, 5, 8)) & ~bean()
    voxels = image(bean(), 5.0)
    voxels[cap] += 200
    one = bench.read(clicked(bench, voxels, CENTRE))
    both = bench.read(clicked(bench, voxels, CENTRE, more=Points(points=(point(off(0, -12, 0)),))))
    assert (one & cap).sum() < 0.3 * cap.sum()
    assert dice(both, bean() | cap) > 0.93


def test_every_click_ends_on_its_own_side(bench: ToolBench) -> None:
    inside, outside = (off(5, 9, 4), off(-3, -2, 8)), (off(4, 0, -4), (6, 8, 10))
    mask = clicked(
        bench,
        image(bean()),
        CENTRE,
        more=Points(points=tuple(point(p) for p in inside)),
        not_at=Points(points=tuple(point(p) for p in outside)),
    )
    found = bench.read(mask)
    assert found[tuple(np.round(CENTRE / STEP).astype(int))]
    assert not any(found[tuple(np.round(np.asarray(p) / STEP).astype(int))] for p in outside)


def test_even_noise_gives_not_found_and_no_volume(bench: ToolBench) -> None:
    mask = clicked(bench, image(np.zeros(SHAPE, np.bool_), 10.0), CENTRE)
    assert mask.voxels == 0
    assert any("not found" in flag for flag in mask.flags)
    assert any("nothing stands out" in flag for flag in mask.flags)


def test_a_value_that_is_no_number_gives_not_found(bench: ToolBench) -> None:
    voxels = image(bean()).astype(np.float32)
    voxels[tuple(np.round(CENTRE / STEP).astype(int))] = np.nan
    assert clicked(bench, voxels, CENTRE).voxels == 0


def test_a_body_longer_than_the_size_says_so(bench: ToolBench) -> None:
    mask = clicked(bench, image(bean()), CENTRE, size=Quantity(value=6, unit="mm"))
    assert not mask.voxels or any("true size is larger" in flag for flag in mask.flags)
    whole = clicked(bench, image(bean()), CENTRE, size=Quantity(value=4, unit="cm"))
    assert not any("true size is larger" in flag for flag in whole.flags)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"at": Point(x=900, y=0, z=0)}, "outside the field of view"),
        ({"more": Points(points=(Point(x=900, y=0, z=0),))}, "outside the field of view"),
        ({"not_at": Points(points=(Point(x=0, y=900, z=0),))}, "outside the field of view"),
        ({"size": Quantity(value=3, unit="mL")}, "no length"),
        ({"size": Quantity(value=0, unit="mm")}, "no length"),
        ({"within": "axial", "more": Points(points=(point(off(0, 0, 9)),))}, "several axial slices"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(bench: ToolBench, given: dict[str, Any], sentence: str) -> None:
    volume = bench.volume(image(bean()), affine(), modality="MR")
    with pytest.raises(ToolInputError, match=sentence):
        bench.run(clicked_structure, **{"volume": volume, "at": point(CENTRE), **given})


def test_an_engine_keeps_to_the_box_and_takes_in_the_scribble() -> None:
    spacing = (float(STEP[0]), float(STEP[1]), float(STEP[2]))
    found = np.argwhere(bean())
    low, high = (tuple(int(v) for v in f(axis=0)) for f in (found.min, found.max))
    scribble = np.zeros(SHAPE, np.bool_)
    scribble[26:29, 24:28, 13] = True
    engine = WindowEngine()
    boxed = engine.segment(image(bean()), spacing, Prompt(box=(low, high)))  # type: ignore[arg-type]
    assert dice(boxed, bean()) > 0.9
    painted = engine.segment(image(bean()), spacing, Prompt(scribble=scribble))
    assert painted[scribble].all()
    assert dice(painted, bean()) > 0.9


def test_a_prompt_that_says_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a point"):
        WindowEngine().segment(image(bean()), (1.0, 1.0, 1.0), Prompt(outside=((1, 1, 1),)))
    with pytest.raises(ValueError, match="outside the crop"):
        WindowEngine().segment(image(bean()), (1.0, 1.0, 1.0), Prompt(inside=((1, 1, 99),)))


def test_the_same_clicks_give_the_same_mask_whether_or_not_they_were_worked_out_before() -> None:
    prompt = Prompt(inside=((27, 25, 13), (32, 33, 15)), outside=((4, 4, 4),))
    engine = WindowEngine()
    engine.segment(image(bean()), (0.9, 1.1, 2.5), Prompt(inside=((27, 25, 13),)))
    first = engine.segment(image(bean()), (0.9, 1.1, 2.5), prompt)
    assert np.array_equal(first, WindowEngine().segment(image(bean()), (0.9, 1.1, 2.5), prompt))


LARGE = """
import resource, sys, tempfile
from pathlib import Path
import numpy as np
from scanwright.tools.contract.quantity import Point
from scanwright.tools.families.clicked import clicked_structure
from scanwright.tools.testing import ToolBench
bench = ToolBench(Path(sys.argv[1]))
voxels = np.zeros((512, 512, 400), np.int16, order="F")
voxels[200:260, 220:300, 150:190] = 500
volume = bench.volume(voxels, np.diag([0.8, 0.8, 1.0, 1.0]), modality="CT", unit="[hnsf'U]")
del voxels
mask = bench.run(clicked_structure, volume=volume, at=Point(x=184.0, y=208.0, z=170.0))
print(mask.voxels, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)
"""


def test_a_volume_of_512_512_400_takes_less_than_6_gb(tmp_path: Any) -> None:
    done = subprocess.run([sys.executable, "-c", LARGE, str(tmp_path)], capture_output=True, text=True, check=True)
    voxels, gigabytes = (float(v) for v in done.stdout.split())
    assert voxels == pytest.approx(60 * 80 * 40, rel=0.03)
    assert gigabytes < 6
