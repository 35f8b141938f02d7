"""The CT embedding and the search for similar cases, as tools."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from ct_encoder_weights import small_state, write_parts
from scanwright.tools.artifacts import Case, CaseList, Embedding
from scanwright.tools.contract.quantity import HU, Quantity
from scanwright.tools.errors import Cancelled, ToolFailed, ToolInputError
from scanwright.tools.families import cases
from scanwright.tools.runtime.context import WorkerContext
from scanwright.tools.testing import ToolBench
from scanwright.tools.weights.store import WeightsStore


class Asked:
    """Notes what was asked and finds one case."""

    def __init__(self) -> None:
        self.filters: dict[str, str] = {}
        self.limit = 0

    def nearest(self, embedding: Embedding, limit: int, filters: Mapping[str, str]) -> CaseList:
        self.limit, self.filters = limit, dict(filters)
        case = Case(study_id="S-1", series="axial", score=0.5)
        kind = embedding.type.model_copy(update={"kind": "CaseList", "quantity": ("similar_cases",)})
        return CaseList(type=kind, name="similar cases", cases=(case,), searched=1, encoder=embedding.encoder)


@pytest.fixture
def small(tmp_path: Path) -> ToolBench:
    """A bench whose CT encoder is a small one with random weights."""
    (tmp_path / "blobs").mkdir()
    bench = ToolBench(tmp_path / "blobs")
    entry = write_parts(tmp_path / "weights", small_state())
    store = WeightsStore(tmp_path / "weights", catalogue=[entry])
    bench.ctx = WorkerContext(bench.blobs, weights=store.resolve, cases=Asked())
    return bench


def a_chest(seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(-40, 40, (60, 50, 60))
    voxels = np.full((60, 50, 60), 40) + noise
    voxels[12:25, 15:35, 20:] = -850
    voxels[35:50, 15:35, 25:] = -850
    return voxels.astype(np.int16)


AFFINE = np.diag([3.0, 3.0, 4.0, 1.0])


def test_equal_scans_have_equal_vectors_and_others_have_others(small: ToolBench) -> None:
    first, again, other = (
        small.run(cases.ct_embedding, volume=small.volume(v, AFFINE, modality="CT", unit=HU, body_part="chest"))
        for v in (a_chest(), a_chest(), np.flip(a_chest(), 2).copy())
    )
    assert first.vector == again.vector != other.vector
    assert (first.encoder, len(first.vector)) == (cases.ENCODER, 128)
    assert first.type.subject == "P-test"
    assert first.image.body_part == "chest"


def test_the_vector_of_a_tall_scan_is_the_mean_of_its_crops(small: ToolBench) -> None:
    voxels = np.concatenate([a_chest(1), a_chest(2), a_chest(3)], axis=2)[:, :, :128]
    affine = np.diag([3.0, 3.0, 3.0, 1.0])

    def vector(part: np.ndarray) -> np.ndarray:
        return np.array(small.run(cases.ct_embedding, volume=small.volume(part, affine, modality="CT", unit=HU)).vector)

    halves = vector(voxels[:, :, :64]), vector(voxels[:, :, 64:])
    assert np.allclose(vector(voxels), np.mean(halves, axis=0), rtol=1e-5)
    assert not np.allclose(*halves, rtol=1e-3)


def test_an_mr_is_refused(small: ToolBench) -> None:
    with pytest.raises(ToolInputError, match="CT"):
        small.run(cases.ct_embedding, volume=small.volume(a_chest(), AFFINE, modality="MR"))


def test_a_run_can_be_stopped_between_parts_of_the_network(small: ToolBench) -> None:
    told: list[str] = []

    def progress(fraction: float, doing: str) -> None:
        told.append(doing)
        if fraction > 0.5:
            raise Cancelled("stopped")

    small.ctx = WorkerContext(small.blobs, weights=small.ctx.weights, progress=progress)
    with pytest.raises(Cancelled):
        small.run(cases.ct_embedding, volume=small.volume(a_chest(), AFFINE, modality="CT", unit=HU))
    assert "seeing part 1 of 2" in told


def an_embedding(small: ToolBench) -> Embedding:
    result: Embedding = small.run(cases.ct_embedding, volume=small.volume(a_chest(), AFFINE, modality="CT", unit=HU))
    return result


def test_other_patients_are_asked_for_unless_the_person_says_otherwise(small: ToolBench) -> None:
    asked = small.ctx.cases
    assert isinstance(asked, Asked)
    embedding = an_embedding(small)
    found = small.run(cases.similar_cases, embedding=embedding)
    assert (asked.limit, asked.filters) == (5, {"patient": "other"})
    assert found.cases[0].study_id == "S-1"
    small.run(cases.similar_cases, embedding=embedding, limit=Quantity(value=2), sex="F", body_part="same",
              patient="any")  # fmt: skip
    assert (asked.limit, asked.filters) == (2, {"patient": "any", "sex": "F", "body_part": "same"})


@pytest.mark.parametrize("limit", [Quantity(value=0), Quantity(value=2.5), Quantity(value=3, unit="mm")])
def test_a_number_of_cases_that_is_none_is_refused(small: ToolBench, limit: Quantity) -> None:
    with pytest.raises(ToolInputError, match="whole number"):
        small.run(cases.similar_cases, embedding=an_embedding(small), limit=limit)


def test_without_a_home_there_are_no_cases(small: ToolBench) -> None:
    embedding = an_embedding(small)
    small.ctx = WorkerContext(small.blobs, weights=small.ctx.weights)
    with pytest.raises(ToolFailed, match="no kept cases"):
        small.run(cases.similar_cases, embedding=embedding)


def test_the_packaged_weights_make_a_vector_of_2048_numbers(bench: ToolBench) -> None:
    if (why := WeightsStore().why_not(cases.WEIGHTS)) is not None:
        pytest.skip(why)
    embedding = bench.run(cases.ct_embedding, volume=bench.volume(a_chest(), AFFINE, modality="CT", unit=HU))
    vector = np.array(embedding.vector)
    assert vector.shape == (2048,)
    assert vector.min() >= 0
    assert vector.std() > 0
