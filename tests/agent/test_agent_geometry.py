"""Geometry from file to answer: the same numbers and the right sides however a scan is stored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from agent_examples import HEAD_TRUTH, SMALL, head_ct, marker_mask, settings, small_mask, small_scan
from scanwright.agent.answer.result import AnswerResult
from scanwright.agent.given import Given
from scanwright.agent.settings import AgentSettings
from scanwright.agent.workbench import Workbench


def values(result: AnswerResult) -> dict[str, float]:
    return {
        f"{e.side} {e.quantity}": float(e.value)
        for e in result.evidence
        if e.quantity is not None and isinstance(e.value, int | float)
    }


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """A workbench that draws no pictures, for many questions."""
    quick = settings().model_copy(update={"agent": AgentSettings(pictures=False)})
    with Workbench(tmp_path_factory.mktemp("home"), settings=quick) as workbench:
        yield workbench


def test_a_given_mask_measures_the_same_in_all_48_orders_and_flips(plain: Workbench, tmp_path: Path) -> None:
    question = "What are the volume, the longest diameter and the RECIST diameter of the marked region?"
    first: dict[str, float] = {}
    for k in range(48):
        scan, mask = small_scan(tmp_path, f"scan{k}", k=k, Modality="MR"), small_mask(tmp_path, f"mask{k}", k=k)
        found = values(plain.ask([scan], question, Given(mask=str(mask))))
        first = first or found
        assert found == pytest.approx(first, rel=1e-9), k
    assert first["whole volume"] == pytest.approx(SMALL.truth["volume_ml"], rel=0.01)
    assert first["whole longest_diameter"] == pytest.approx(SMALL.truth["longest_diameter_mm"], abs=3.0)
    # Radii of 17 and 30 mm lie in the axial plane.
    assert first["whole longest_axial_diameter"] == pytest.approx(60.0, abs=3.0)


def test_the_larger_marker_is_on_the_patients_left_however_the_scan_is_stored(plain: Workbench, tmp_path: Path) -> None:
    for k in (0, 13, 30, 47):
        scan, mask = head_ct(tmp_path, f"head{k}", k=k), marker_mask(tmp_path, f"mask{k}", k=k)
        result = plain.ask(
            [scan], "What are the volumes of the left and the right half of the marked region?", Given(mask=f"{mask}:1")
        )
        found = values(result)
        assert found["left volume"] == pytest.approx(HEAD_TRUTH["marker_left_ml"], rel=0.05), k
        # The other half is empty: not found, and no number.
        assert "right volume" not in found, k
        assert "not found" in result.answer


def test_head_tools_measure_the_same_however_the_scan_is_stored(plain: Workbench, tmp_path: Path) -> None:
    first: dict[str, float] = {}
    for k in (0, 11, 22, 33, 44, 7):
        found = values(
            plain.ask([head_ct(tmp_path, f"head{k}", k=k)], "How large are the skull, the head and the air spaces?")
        )
        first = first or found
        assert found == pytest.approx(first, rel=1e-9), k
    assert first


def test_the_value_at_a_point_is_of_that_place_however_the_scan_is_stored(plain: Workbench, tmp_path: Path) -> None:
    from scanwright.tools.contract.quantity import Point

    for k in (0, 13, 26, 39):
        scan = head_ct(tmp_path, f"head{k}", k=k, marker_hu=75)
        for point, hu in ((Point(x=-24, y=-2, z=25), 75.0), (Point(x=24, y=-2, z=25), 35.0)):
            found = values(plain.ask([scan], "What is the HU at this point?", Given(at=point)))
            assert found["whole intensity_at_point"] == hu, (k, point)


@pytest.mark.data
def test_the_real_brain_has_one_volume_however_it_is_stored(plain: Workbench, data_dir: Path, tmp_path: Path) -> None:
    from scanwright.evals.orientation import volumes

    found = volumes(plain, data_dir / "brain_t1.nii.gz", tmp_path, (0, 13, 30, 47))
    assert max(found.values()) / min(found.values()) < 1.02
    assert min(found.values()) > 1800
