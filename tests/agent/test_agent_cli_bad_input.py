"""Bad input on the command line: one sentence that names the file, exit 2, nothing half-written in the home."""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from agent_examples import head_ct, marker_mask, small_scan, write_scan
from scanwright.agent.cli.main import main
from scanwright.memory.home import Home

QUESTION = "How large is the skull?"
CODE = "from scanwright.agent.cli.main import main; main()"
Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Cli:
    """Runs a command in this process on a home of its own; exit code, stdout, stderr."""

    def run(*words: object, home: Path | None = None) -> tuple[int, str, str]:
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            main([*map(str, words), "--home", str(home or tmp_path / "home")])
        out, err = capfd.readouterr()
        assert isinstance(end.value.code, int)
        return end.value.code, out, err

    return run


def one_sentence(err: str, *names: str) -> None:
    assert "Traceback" not in err
    lines = err.strip().splitlines()
    assert len(lines) == 1, err
    assert lines[0].endswith((".", "?")), err
    for name in names:
        assert name in lines[0], err


def untouched(home_path: Path) -> None:
    """No study, no run, no file on its way in."""
    with Home.open(home_path, wait_s=5) as home:
        assert not any(home.staging.iterdir())
        assert home.studies.list() == []
        assert home.runs.list() == []
    assert not [f for f in (home_path / "blobs").rglob("*") if f.is_file()]


def _header(shape: tuple[int, ...], affine: Any, datatype: int = 4, bits: int = 16) -> bytes:
    """A NIfTI-1 header as bytes, with whatever is asked for in it."""
    head = bytearray(352)
    struct.pack_into("<i", head, 0, 348)
    struct.pack_into("<8h", head, 40, len(shape), *shape, *[1] * (7 - len(shape)))
    struct.pack_into("<hh", head, 70, datatype, bits)
    struct.pack_into("<8f", head, 76, 1, 1, 1, 1, 1, 1, 1, 1)
    struct.pack_into("<f", head, 108, 352)
    struct.pack_into("<f", head, 112, 1)
    struct.pack_into("<hh", head, 252, 0, 1)
    struct.pack_into("<12f", head, 280, *np.asarray(affine, float)[:3].ravel())
    head[344:348] = b"n+1\0"
    return bytes(head)


def missing(folder: Path) -> Path:
    return folder / "nowhere.nii.gz"


def empty_folder(folder: Path) -> Path:
    (folder / "nothing").mkdir()
    return folder / "nothing"


def text_file(folder: Path) -> Path:
    (folder / "letter.nii.gz").write_text("Dear colleague")
    return folder / "letter.nii.gz"


def empty_file(folder: Path) -> Path:
    (folder / "void.nii").touch()
    return folder / "void.nii"


def picture(folder: Path) -> Path:
    from PIL import Image

    Image.new("RGB", (90, 70)).save(folder / "tile.png")
    whole = (folder / "tile.png").read_bytes()
    (folder / "tile.png").write_bytes(whole[: len(whole) // 2])
    return folder / "tile.png"


def truncated(folder: Path) -> Path:
    whole = small_scan(folder, "cut")
    data = whole.read_bytes()
    whole.write_bytes(data[: len(data) * 2 // 3])
    return whole


def zero_affine(folder: Path) -> Path:
    (folder / "flat.nii").write_bytes(_header((4, 5, 6), np.zeros((4, 4))) + bytes(240))
    return folder / "flat.nii"


def nan_affine(folder: Path) -> Path:
    (folder / "nan.nii").write_bytes(_header((4, 5, 6), np.full((4, 4), np.nan)) + bytes(240))
    return folder / "nan.nii"


def flat_image(folder: Path) -> Path:
    (folder / "flat2d.nii").write_bytes(_header((40, 50), np.eye(4)) + bytes(4000))
    return folder / "flat2d.nii"


def terabytes(folder: Path) -> Path:
    import gzip

    path = folder / "bomb.nii.gz"
    path.write_bytes(gzip.compress(_header((30000, 30000, 2000), np.eye(4))))
    return path


def not_finite(folder: Path) -> Path:
    voxels = np.full((9, 8, 7), np.nan, np.float32, order="F")
    return write_scan(folder, "nans", voxels, np.eye(4), None)


def climbing_zip(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "climb.zip", "w") as archive:
        archive.writestr("../../escaped.nii", _header((4, 5, 6), np.eye(4)) + bytes(240))
    return folder / "climb.zip"


def broken_dicom(folder: Path) -> Path:
    (folder / "series").mkdir()
    (folder / "series" / "one.dcm").write_bytes(bytes(128) + b"DICM" + bytes(range(200)))
    return folder / "series"


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.nii.gz")
    return folder / "pipe.nii.gz"


def wrong_sidecar(folder: Path) -> Path:
    path = small_scan(folder, "odd")
    (folder / "odd.json").write_text("{")
    return path


BAD: tuple[Callable[[Path], Path], ...] = (
    missing, empty_folder, text_file, empty_file, picture, truncated, zero_affine, nan_affine, flat_image, terabytes,
    climbing_zip, broken_dicom, pipe, wrong_sidecar, not_finite,
)  # fmt: skip


@pytest.mark.parametrize("make", BAD, ids=lambda f: f.__name__)
def test_a_bad_file_is_one_sentence_and_exit_2_and_leaves_nothing(
    make: Callable[[Path], Path], cli: Cli, tmp_path: Path
) -> None:
    path = make(tmp_path)
    before = sorted(p for p in tmp_path.rglob("*"))
    code, out, err = cli("ask", path, QUESTION)
    assert (code, out) == (2, ""), err
    one_sentence(err, "one.dcm" if make is broken_dicom else path.name)
    untouched(tmp_path / "home")
    after = sorted(p for p in tmp_path.rglob("*") if not p.is_relative_to(tmp_path / "home"))
    assert after == before


@pytest.mark.parametrize("command", ["plan", "import"])
def test_plan_and_import_tell_the_same_of_a_bad_file(command: str, cli: Cli, tmp_path: Path) -> None:
    path = truncated(tmp_path)
    code, out, err = cli(command, path, *([QUESTION] if command == "plan" else []))
    assert (code, out) == (2, "")
    one_sentence(err, "cut.nii.gz")
    untouched(tmp_path / "home")


def test_json_of_a_bad_file_is_an_object_on_stdout(cli: Cli, tmp_path: Path) -> None:
    code, out, err = cli("ask", missing(tmp_path), QUESTION, "--json")
    assert (code, json.loads(out)["status"]) == (2, "wrong_input")
    assert "nowhere.nii.gz" in json.loads(out)["error"]
    one_sentence(err, "nowhere.nii.gz")


@pytest.mark.parametrize("k", [1, 24])
def test_a_mask_on_another_grid_is_refused_by_name(k: int, cli: Cli, tmp_path: Path) -> None:
    scan = head_ct(tmp_path)
    phantom_mask = small_scan(tmp_path, f"elsewhere{k}")
    code, out, err = cli("ask", scan, "What is the volume of the marked region?", "--mask", phantom_mask)
    assert (code, out) == (2, "")
    one_sentence(err, f"elsewhere{k}.nii.gz")
    with Home.open(tmp_path / "home") as home:
        assert home.runs.list() == []


def test_a_mask_that_is_missing_or_lacks_its_label_is_refused(cli: Cli, tmp_path: Path) -> None:
    scan, mask = head_ct(tmp_path), marker_mask(tmp_path)
    question = "What is the volume of the marked region?"
    for given, named in ((tmp_path / "no.nii.gz", "no.nii.gz"), (f"{mask}:7", "marker.nii.gz"), (f"{mask}:one", "one")):
        code, out, err = cli("ask", scan, question, "--mask", given)
        assert (code, out) == (2, ""), given
        one_sentence(err, named)


def test_a_point_that_is_none_is_refused(cli: Cli, tmp_path: Path) -> None:
    scan = head_ct(tmp_path)
    for at in ("1,2", "a,b,c", "nan,0,0", "1,2,inf"):
        code, out, err = cli("ask", scan, "What is the HU at this point?", "--at", at)
        assert (code, out) == (2, ""), at
        one_sentence(err, at)


PLAN: dict[str, Any] = {
    "schema_version": 1,
    "steps": [
        {"id": "s1", "tool": "head_outline", "version": "1", "inputs": {"volume": {"study": "S1"}}},
        {"id": "s2", "tool": "mask_volume", "version": "1", "inputs": {"mask": {"step": "s1"}}},
    ],
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """The plan with one thing changed; path as steps/0/tool."""
    plan = json.loads(json.dumps(PLAN))
    *way, last = [int(p) if p.isdigit() else p for p in path.split("/")]
    at = plan
    for part in way:
        at = at[part]
    at[last] = value
    return dict(plan)


GOAL = {"goal": {"want": "volume", "of": "head"}, "status": "planned", "answers": ["s2"]}
BAD_PLANS: dict[str, tuple[Any, str]] = {
    "cycle": (changed("steps/0/inputs/volume", {"step": "s2"}), "circle"),
    "own output": (changed("steps/1/inputs/mask", {"step": "s2"}), "circle"),
    "unknown tool": (changed("steps/0/tool", "head_outlin"), "head_outline"),
    "wrong type": (changed("steps/1/inputs/mask", {"study": "S1"}), "s2"),
    "unknown step": (changed("steps/1/inputs/mask", {"step": "s9"}), "s9"),
    "unknown input": (changed("steps/1/inputs", {"maks": {"step": "s1"}}), "maks"),
    "missing input": (changed("steps/1/inputs", {}), "mask"),
    "unknown parameter": (changed("steps/1/params", {"hue": 3}), "hue"),
    "two of one id": (changed("steps/1/id", "s1"), "s1"),
    "newer version": (changed("schema_version", 2), "newer"),
    "version as text": (changed("schema_version", "2"), "schema_version"),
    "no version": (changed("schema_version", None), "schema_version"),
    "unknown key": (changed("colour", "blue"), "colour"),
    "steps are a text": (changed("steps", "s1"), "steps"),
    "a study too many": (changed("steps/0/inputs/volume", {"study": "S2"}), "S2"),
    "goal of an unknown step": (changed("goals", [GOAL | {"answers": ["s7"]}]), "s7"),
    "goal without an answer": (changed("goals", [GOAL | {"answers": []}]), "goal 1"),
    "goal without a reason": (changed("goals", [GOAL | {"status": "refused", "answers": []}]), "goal 1"),
    "step for an unknown goal": (changed("steps/1/why", [4]), "s2"),
    "unknown series": (changed("steps/0/inputs/volume", {"study": "S1", "series": "T9"}), "T9"),
    "a mask that is not given": (changed("steps/1/inputs/mask", {"study": "S1", "item": "mask"}), "--mask"),
}


@pytest.mark.parametrize("name", BAD_PLANS)
def test_a_bad_plan_file_is_one_sentence_and_exit_2_and_runs_nothing(name: str, cli: Cli, tmp_path: Path) -> None:
    plan, word = BAD_PLANS[name]
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(plan))
    code, out, err = cli("run", file, head_ct(tmp_path))
    assert (code, out) == (2, ""), err
    one_sentence(err, word)
    with Home.open(tmp_path / "home") as home:
        assert home.runs.list() == []


@pytest.mark.parametrize(
    "text", [b"", b"no json", b"[1, 2]", b"\xff\xfe\x00", b'{"expected_seconds": NaN}', b"[" * 100_000],
    ids=["empty", "text", "list", "bytes", "NaN", "nested"],
)  # fmt: skip
def test_a_file_that_is_no_plan_is_one_sentence_that_names_it(text: bytes, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_bytes(text)
    code, out, err = cli("run", tmp_path / "plan.json", head_ct(tmp_path))
    assert (code, out) == (2, "")
    one_sentence(err, "plan.json")


def test_a_plan_that_is_missing_or_a_folder_is_one_sentence(cli: Cli, tmp_path: Path) -> None:
    for file in (tmp_path / "none.json", tmp_path):
        code, out, err = cli("run", file, head_ct(tmp_path))
        assert (code, out) == (2, "")
        one_sentence(err, file.name)


def test_a_home_that_cannot_be_written_is_one_sentence(cli: Cli, tmp_path: Path) -> None:
    scan = head_ct(tmp_path)
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a folder")
    for home in (in_the_way, in_the_way / "below"):
        code, out, err = cli("ask", scan, QUESTION, home=home)
        assert (code, out) == (2, "")
        one_sentence(err, str(home), "--home")
    assert in_the_way.read_text() == "not a folder"


def test_a_home_of_a_newer_version_is_one_sentence(cli: Cli, tmp_path: Path) -> None:
    import sqlite3

    assert cli("studies")[0] == 0
    with sqlite3.connect(tmp_path / "home" / "scanwright.sqlite") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999_later'")
    code, out, err = cli("studies")
    assert (code, out) == (2, "")
    one_sentence(err, "newer")


def test_a_damaged_setting_is_one_sentence(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    for text, word in (("[tools]\nworkers = 0\n", "workers"), ("[tools\n", "scanwright.toml")):
        (tmp_path / "home" / "scanwright.toml").write_text(text)
        code, out, err = cli("ask", head_ct(tmp_path), QUESTION)
        assert (code, out) == (2, "")
        one_sentence(err, word)


def test_an_unknown_run_study_or_tool_is_one_sentence(cli: Cli) -> None:
    for words in (("show", "R9"), ("show",), ("resume",), ("tools", "mask_volum"), ("ask", "nobody", QUESTION)):
        code, out, err = cli(*words)
        assert (code, out) == (2, ""), words
        one_sentence(err)


def test_a_table_or_plan_that_cannot_be_written_is_one_sentence(cli: Cli, tmp_path: Path) -> None:
    scan = head_ct(tmp_path)
    code, _, err = cli("plan", scan, QUESTION, "-o", tmp_path / "no" / "plan.json")
    assert code == 2
    one_sentence(err, "plan.json")


@pytest.fixture
def small_disk(tmp_path: Path) -> Any:
    """Mounts a small disk; skipped where that is not allowed."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted: list[Path] = []

    def mount(size: str) -> Path:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)], capture_output=True, text=True
        )
        if done.returncode:
            pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
        mounted.append(disk)
        return disk

    yield mount
    for at in mounted:
        subprocess.run(["umount", "-l", str(at)], check=True)


def scanwright(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", CODE, *map(str, words)], capture_output=True, text=True)


@pytest.mark.parametrize("size", ["450k", "900k"])
def test_an_import_onto_a_full_disk_is_one_sentence_and_keeps_nothing(
    size: str, small_disk: Any, tmp_path: Path
) -> None:
    scan = head_ct(tmp_path)
    home = small_disk(size) / "home"
    done = scanwright("ask", scan, QUESTION, "--home", home)
    assert (done.returncode, done.stdout) == (2, "")
    one_sentence(done.stderr, str(home), "free some space")
    untouched(home)


def test_a_disk_that_fills_up_is_one_sentence_and_the_question_is_answered_when_there_is_room(
    small_disk: Any, tmp_path: Path
) -> None:
    scan = head_ct(tmp_path)
    disk = small_disk("30m")
    home = disk / "home"
    assert scanwright("import", scan, "--home", home).returncode == 0
    told = []
    for left_kb in (0, 8, 100, 250):
        state = os.statvfs(disk)
        room = state.f_bavail * state.f_frsize - left_kb * 1024
        (disk / "ballast").write_bytes(bytes(max(0, room)))
        done = scanwright("ask", scan, QUESTION, "--home", home)
        (disk / "ballast").unlink()
        if done.returncode != 0:
            assert (done.returncode, done.stdout) == (2, ""), done.stderr
            one_sentence(done.stderr, "no room left")
            told.append(left_kb)
    assert 0 in told
    done = scanwright("ask", scan, QUESTION, "--home", home)
    assert done.returncode == 0, done.stderr
    assert re.search(r"volume of the skull is [\d.]+ mL", done.stdout)
