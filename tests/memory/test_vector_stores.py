"""The vector stores: every implementation gives the same answers."""

from __future__ import annotations

import os
import random
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import Popen

import numpy as np
import pytest
from scanwright.memory.home import Home
from scanwright.memory.vectors import VectorStore, open_vectors
from scanwright.memory.vectors_edge import EdgeVectors
from scanwright.memory.vectors_qdrant import QdrantVectors
from scanwright.tools.errors import UserInputError

DIM = 16


def _vector(number: int) -> np.ndarray:
    return np.random.default_rng(number).normal(size=DIM).astype(np.float32)


def _vectors(numbers: range) -> np.ndarray:
    return np.stack([_vector(number) for number in numbers])


@pytest.fixture(params=["edge", "local", pytest.param("server", marks=pytest.mark.service)])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], VectorStore]:
    """Opens the store under test, again and again on the same data."""
    if request.param == "edge":
        return lambda: EdgeVectors(tmp_path / "edge")
    if request.param == "local":
        return lambda: QdrantVectors.in_folder(tmp_path / "local")
    url = os.environ.get("SCANWRIGHT_QDRANT_URL")
    if not url:
        pytest.skip("SCANWRIGHT_QDRANT_URL is not set: it names a Qdrant server to test on")
    return lambda: QdrantVectors.on_server(url)


@pytest.fixture
def store(reopen: Callable[[], VectorStore]) -> Iterator[VectorStore]:
    opened = reopen()
    yield opened
    opened.close()


@pytest.fixture
def name() -> str:
    return f"test-{uuid.uuid4().hex[:8]}"


def _filled(store: VectorStore, name: str) -> None:
    store.ensure(name, DIM, {"modality": str, "number": int})
    payloads = [{"number": n, "modality": ("CT", "MR")[n % 2], "share": n / 8, "odd": bool(n % 2)} for n in range(40)]
    store.upsert(name, [f"case/{n}" for n in range(40)], _vectors(range(40)), payloads)


def test_the_nearest_comes_first_with_its_own_id_and_payload(store: VectorStore, name: str) -> None:
    _filled(store, name)
    hits = store.search(name, _vector(7), limit=5)
    assert (hits[0].id, hits[0].payload["number"]) == ("case/7", 7)
    assert hits[0].score == pytest.approx(1, abs=1e-5)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    unit = _vectors(range(40)) / np.linalg.norm(_vectors(range(40)), axis=1, keepdims=True)
    truth = np.argsort(-(unit @ _vector(7)))[:5]
    assert [hit.id for hit in hits] == [f"case/{n}" for n in truth]


def test_filters_hold_for_texts_numbers_flags_and_lists(store: VectorStore, name: str) -> None:
    _filled(store, name)

    def numbers(**wanted: object) -> set[int]:
        return {hit.payload["number"] for hit in store.search(name, _vector(0), 40, wanted)}  # type: ignore[arg-type]

    assert numbers(modality="MR") == set(range(1, 40, 2))
    assert numbers(odd=False) == set(range(0, 40, 2))
    assert numbers(number=[3, 4, 99]) == {3, 4}
    assert numbers(modality=["CT", "PT"], number=[3, 4]) == {4}
    assert numbers(share=0.5) == {4}
    assert numbers(modality="XA") == set()


def test_points_are_replaced_and_deleted_by_their_own_id(store: VectorStore, name: str) -> None:
    _filled(store, name)
    store.upsert(name, ["case/3"], _vectors(range(100, 101)), [{"number": 333}])
    assert store.count(name) == 40
    assert store.search(name, _vector(100), 1)[0].payload == {"number": 333}
    store.delete(name, ["case/3", "case/none"])
    assert store.count(name) == 39
    assert all(hit.id != "case/3" for hit in store.search(name, _vector(100), 40))


def test_points_are_there_after_reopening(reopen: Callable[[], VectorStore], name: str) -> None:
    first = reopen()
    _filled(first, name)
    first.close()
    second = reopen()
    second.ensure(name, DIM)
    assert second.count(name) == 40
    assert second.search(name, _vector(11), 1)[0].id == "case/11"
    second.close()


def test_wrong_sizes_and_reserved_fields_are_refused(store: VectorStore, name: str) -> None:
    store.ensure(name, DIM)
    with pytest.raises(ValueError, match=f"holds vectors of {DIM} numbers, not 17"):
        store.ensure(name, 17)
    with pytest.raises(ValueError, match="do not match"):
        store.upsert(name, ["a", "b"], _vectors(range(1)))
    with pytest.raises(ValueError, match="_id"):
        store.upsert(name, ["a"], _vectors(range(1)), [{"_id": "x"}])
    assert store.count(name) == 0


def test_a_home_uses_the_embedded_engine(home: Home) -> None:
    vectors = home.vectors()
    assert isinstance(vectors, EdgeVectors)
    assert home.vectors() is vectors
    vectors.ensure("cases", DIM)
    vectors.upsert("cases", ["a"], _vectors(range(1)))
    assert vectors.count("cases") == 1


def test_a_server_that_does_not_answer_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserInputError, match="does not answer"):
        open_vectors(tmp_path, "http://127.0.0.1:9")


def test_a_damaged_shard_is_one_sentence(tmp_path: Path) -> None:
    store = EdgeVectors(tmp_path)
    store.ensure("cases", DIM)
    store.close()
    for file in (tmp_path / "cases" / "shard").rglob("*.json"):
        file.write_text("no json")
    with pytest.raises(UserInputError, match="delete that folder"):
        store.count("cases")


def test_every_acknowledged_point_of_the_embedded_engine_survives_kill_9(
    tmp_path: Path, python: Callable[..., Popen[str]]
) -> None:
    program = """
        import sys
        import numpy as np
        from pathlib import Path
        from scanwright.memory.vectors_edge import EdgeVectors
        store, number = EdgeVectors(Path(sys.argv[1])), int(sys.argv[2])
        print("ready")
        store.ensure("cases", 16)
        while True:
            batch = range(number, number + 1 + number * 7 % 40)
            vectors = np.stack([np.random.default_rng(n).normal(size=16).astype(np.float32) for n in batch])
            store.upsert("cases", [str(n) for n in batch], vectors, [{"number": n} for n in batch])
            number = batch.stop
            print(number)
    """
    acknowledged = 0
    for attempt in range(int(os.environ.get("SCANWRIGHT_KILLS", "6"))):
        process = python(program, tmp_path / "edge", acknowledged)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(random.Random(attempt).uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        lines = process.communicate()[0].split()
        acknowledged = int(lines[-1]) if lines else acknowledged
        store = EdgeVectors(tmp_path / "edge")
        store.ensure("cases", DIM)
        found = store.search("cases", _vector(0), 1_000_000)
        assert set(range(acknowledged)) <= {hit.payload["number"] for hit in found}
        for number in np.linspace(0, acknowledged - 1, 20).astype(int) if acknowledged else ():
            assert store.search("cases", _vector(int(number)), 1)[0].id == str(number)
        store.close()
    assert acknowledged


def test_a_dropped_collection_can_be_made_again_and_is_empty(store: VectorStore) -> None:
    name = f"t-{uuid.uuid4().hex}"
    store.drop(name)
    store.ensure(name, DIM)
    store.upsert(name, ["a", "b"], _vectors(range(2)))
    store.drop(name)
    store.ensure(name, DIM // 2)
    assert store.count(name) == 0
    store.drop(name)
