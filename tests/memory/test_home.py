"""The home folder: opening, owning, upgrading."""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen

import pytest
from scanwright.memory.home import Home
from scanwright.memory.settings import MemorySettings
from scanwright.tools.errors import UserInputError

HOLD = """
    import sys, time
    from scanwright.memory.home import Home
    home = Home.open(sys.argv[1])
    home.runs.create("r-held", "q", [], {}, "key")
    print("open")
    time.sleep(float(sys.argv[2]))
    home.runs.finish("r-held", "answered", {"text": "ok"})
    home.close()
"""


def _line(process: Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_new_home_is_for_its_owner_alone(tmp_path: Path) -> None:
    with Home.open(tmp_path / "a" / "home") as home:
        assert stat.S_IMODE(home.path.stat().st_mode) == 0o700
        for file in ("scanwright.sqlite", "scanwright.sqlite-wal", "owner.lock", "keys/home.secret"):
            assert stat.S_IMODE((home.path / file).stat().st_mode) == 0o600, file


def test_a_folder_with_other_things_in_it_keeps_its_mode_and_our_parts_are_private(tmp_path: Path) -> None:
    (tmp_path / "scan.nii").write_text("theirs")
    tmp_path.chmod(0o755)
    with Home.open(tmp_path) as home:
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
        for part in ("blobs", "keys", "staging"):
            assert stat.S_IMODE((home.path / part).stat().st_mode) == 0o700, part


def test_a_file_in_the_way_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/scanwright")):
        with pytest.raises(UserInputError, match=r"cannot be written .* choose another with --home"):
            Home.open(path)


def test_a_warm_open_does_not_import_alembic(tmp_path: Path, python: Callable[..., Popen[str]]) -> None:
    program = """
        import sys
        from scanwright.memory.home import Home
        Home.open(sys.argv[1]).close()
        print("alembic" in sys.modules)
    """
    answers = [python(program, tmp_path / "home").communicate()[0].strip() for _ in range(2)]
    assert answers == ["True", "False"]


def test_the_second_of_two_commands_waits_says_so_and_neither_loses(
    tmp_path: Path, python: Callable[..., Popen[str]]
) -> None:
    first = python(HOLD, tmp_path / "home", 1.0)
    assert _line(first) == "open"
    said: list[str] = []
    with Home.open(tmp_path / "home", on_wait=said.append) as home:
        home.runs.create("r-second", "q", [], {}, "key2")
        assert {run.run_id: run.status for run in home.runs.list()} == {"r-held": "answered", "r-second": "running"}
    assert said == [f"Another scanwright command (pid {first.pid}) is using this home; waiting for it to finish."]
    assert first.wait() == 0


def test_waiting_ends_with_a_sentence(tmp_path: Path, python: Callable[..., Popen[str]]) -> None:
    first = python(HOLD, tmp_path / "home", 60)
    assert _line(first) == "open"
    with pytest.raises(UserInputError, match=rf"pid {first.pid}.*wait until it is finished"):
        Home.open(tmp_path / "home", wait_s=0.2)


def test_a_killed_owner_leaves_the_home_free_and_what_it_wrote_there(
    tmp_path: Path, python: Callable[..., Popen[str]]
) -> None:
    first = python(HOLD, tmp_path / "home", 60)
    assert _line(first) == "open"
    first.kill()
    first.wait()
    with Home.open(tmp_path / "home", wait_s=0) as home:
        assert home.runs.open_run("key", []) == "r-held"


def test_a_forked_child_that_outlives_a_killed_owner_does_not_keep_the_home(
    tmp_path: Path, python: Callable[..., Popen[str]]
) -> None:
    program = """
        import os, sys, time
        from scanwright.memory.home import Home
        home = Home.open(sys.argv[1])
        child = os.fork()
        if child == 0:
            time.sleep(60)
            os._exit(0)
        print(child)
        time.sleep(60)
    """
    owner = python(program, tmp_path / "home")
    child = int(_line(owner))
    try:
        owner.kill()
        owner.wait()
        time.sleep(0.1)
        Home.open(tmp_path / "home", wait_s=0).close()
    finally:
        os.kill(child, 9)


def test_opening_a_home_twice_in_one_process_is_refused_instead_of_waiting_for_ever(tmp_path: Path) -> None:
    with Home.open(tmp_path / "home"), pytest.raises(UserInputError, match="already open in this process"):
        Home.open(tmp_path / "home")
    Home.open(tmp_path / "home").close()


def test_a_home_of_newer_code_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    Home.open(tmp_path / "home").close()
    database = sqlite3.connect(tmp_path / "home" / "scanwright.sqlite")
    database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.commit()
    for _ in range(2):
        with pytest.raises(UserInputError, match=r"newer version of Scanwright .*9999.*update Scanwright"):
            Home.open(tmp_path / "home", wait_s=0)
    assert database.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]
    database.close()


def test_a_damaged_database_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "scanwright.sqlite").write_bytes(b"no database at all, but long enough to look at" * 99)
    with pytest.raises(UserInputError, match="is damaged"):
        Home.open(tmp_path / "home")


def test_staging_is_emptied_at_the_next_open(tmp_path: Path) -> None:
    with Home.open(tmp_path / "home") as home:
        (home.staging / "half").mkdir()
        (home.staging / "half" / "file").write_text("left by a kill")
        (home.staging / "other").write_text("left by a kill")
    with Home.open(tmp_path / "home") as home:
        assert list(home.staging.iterdir()) == []
        assert home.checkpoints.parent == home.path


def test_settings_place_database_and_blobs_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "db").mkdir()
    settings = MemorySettings(database_url=f"sqlite:///{tmp_path}/db/x.sqlite", blob_url=str(tmp_path / "pixels"))
    with Home.open(tmp_path / "home", settings=settings) as home:
        (tmp_path / "a").write_bytes(b"a")
        ref = home.blobs.put(tmp_path / "a", "a/b")
        assert home.blobs.path(ref).is_relative_to(tmp_path / "pixels")
        home.runs.create("r1", "q", [], {}, "key")
    assert (tmp_path / "db" / "x.sqlite").stat().st_size > 0
    assert not (tmp_path / "home" / "scanwright.sqlite").exists()


@pytest.mark.parametrize("url", ["no url at all", "nosuchdatabase://localhost/x"])
def test_a_database_url_that_cannot_be_used_is_one_sentence_and_frees_the_home(tmp_path: Path, url: str) -> None:
    with pytest.raises(UserInputError, match="cannot be used"):
        Home.open(tmp_path / "home", settings=MemorySettings(database_url=url))
    Home.open(tmp_path / "home", wait_s=0).close()


def test_a_full_database_is_told_to_the_person_and_loses_nothing(home: Home) -> None:
    home.runs.create("r1", "q", [], {}, "key")
    with home._database.transaction() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 4}")

    def fill() -> None:
        for _ in range(100):
            home.runs.append("r1", "step.started", {"text": "x" * 3000})

    with pytest.raises(UserInputError, match="no room left for the database"):
        fill()
    kept = home.runs.events("r1")
    assert [event.seq for event in kept] == list(range(1, len(kept) + 1))
    with home._database.transaction() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    assert home.runs.append("r1", "step.started", {}).seq == len(kept) + 1
