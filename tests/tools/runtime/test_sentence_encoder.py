"""The sentence encoder computes what the published model computes, in a worker, beside running jobs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scanwright.tools.runtime.base import Job
from scanwright.tools.runtime.encoder import SentenceEncoder
from scanwright.tools.runtime.local import LocalRuntime
from scanwright.tools.weights.store import WeightsStore

SENTENCES = [
    "How big is the brain?",
    "",
    "Wie groß ist die Hirnhälfte links – in Litern?",
    "volume above 300 HU, please; and the largest diameter (RECIST) on axial slices",
    "骨の体積",
    "word " * 300,
]


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return SentenceEncoder(WeightsStore().resolve("all-minilm-l6-v2"))


def test_vectors_are_those_of_the_reference_implementation(encoder: SentenceEncoder) -> None:
    reference = pytest.importorskip("sentence_transformers")
    model = reference.SentenceTransformer(
        str(WeightsStore().resolve("all-minilm-l6-v2")["model"].parent), device="cpu", local_files_only=True
    )
    model.max_seq_length = 128
    theirs = model.encode(SENTENCES, normalize_embeddings=True)
    ours = encoder.encode(SENTENCES)
    assert (ours * theirs).sum(axis=1).min() > 0.9999


def test_vectors_are_unit_float32_and_do_not_depend_on_their_batch(encoder: SentenceEncoder) -> None:
    many = encoder.encode(SENTENCES * 30)
    assert many.dtype == np.float32
    assert many.shape == (180, 384)
    assert np.allclose(np.linalg.norm(many, axis=1), 1, atol=1e-5)
    alone = np.concatenate([encoder.encode([s]) for s in SENTENCES])
    assert np.allclose(many[:6], alone, atol=1e-5)
    assert np.array_equal(many[:6].argmax(axis=1), many[6:12].argmax(axis=1))


def test_a_paraphrase_is_nearer_than_another_question(encoder: SentenceEncoder) -> None:
    ask, same, other = encoder.encode(
        ["What is the volume of the brain?", "How large is the brain?", "What is the slice thickness?"]
    )
    assert ask @ same > ask @ other + 0.2


def test_no_text_gives_no_vectors(encoder: SentenceEncoder) -> None:
    assert encoder.encode([]).shape == (0, 384)


def test_the_runtime_encodes_while_all_its_workers_are_busy(
    make_runtime: Callable[..., LocalRuntime], tmp_path: Path, encoder: SentenceEncoder
) -> None:
    runtime = make_runtime(workers=1)
    busy = runtime.submit(Job("busy", "probe_meet", {}, {"folder": str(tmp_path), "me": "a", "other": "b"}))
    vectors = runtime.encode(SENTENCES)
    assert not busy.done()
    assert np.allclose(vectors, encoder.encode(SENTENCES), atol=1e-5)
    (tmp_path / "b").touch()
    busy.result(120)


def test_neither_the_runtime_nor_its_encoding_loads_torch_into_the_program(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from scanwright.tools.runtime.local import LocalRuntime
from scanwright.tools.settings import ToolSettings
from scanwright.tools.testing import FolderBlobs

with LocalRuntime(ToolSettings(workers=1), FolderBlobs(Path(sys.argv[1]))) as runtime:
    runtime.prepare_encoder()
    assert runtime.encode(["one", "two"]).shape == (2, 384)
assert not {"torch", "transformers"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
