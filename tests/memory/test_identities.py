"""Pseudonyms, sealed records, and erasing a subject."""

from __future__ import annotations

import re
import shutil
import stat
from datetime import date
from pathlib import Path

import pytest
from memory_examples import a_figure, a_measurement, a_study
from scanwright.memory import schema
from scanwright.memory.database import utc_now
from scanwright.memory.home import Home
from scanwright.tools.errors import UserInputError
from sqlalchemy import insert

ANNA = {"PatientName": "Musterfrau^Anna", "PatientID": "0815", "PatientBirthDate": "19800101"}


def _everything(home: Home) -> bytes:
    return b"".join(file.read_bytes() for file in home.path.rglob("*") if file.is_file())


def test_a_pseudonym_is_the_same_here_and_another_elsewhere(tmp_path: Path) -> None:
    with Home.open(tmp_path / "one") as one, Home.open(tmp_path / "two") as two:
        anna = one.identities.pseudonym("0815", "f1")
        assert re.fullmatch("P-[0-9a-f]{12}", anna)
        assert one.identities.pseudonym(" 0815", "f2") == anna
        assert two.identities.pseudonym("0815", "f1") != anna
        assert one.identities.pseudonym("0816", "f1") != anna
        nobody = {one.identities.pseudonym(empty, "f1") for empty in (None, "", "  ")}
        assert len(nobody) == 1
        assert one.identities.pseudonym(None, "f2") not in nobody
    with Home.open(tmp_path / "one") as one:
        assert one.identities.pseudonym("0815", "f3") == anna


def test_a_sealed_identity_comes_back_and_lies_nowhere_in_plain_text(tmp_path: Path) -> None:
    with Home.open(tmp_path / "home") as home:
        home.identities.seal("st-1", "P-anna", {"old": True})
        home.identities.seal("st-1", "P-anna", ANNA)
    with Home.open(tmp_path / "home") as home:
        assert home.identities.unseal("st-1") == ANNA
        assert stat.S_IMODE((home.path / "keys" / "P-anna.key").stat().st_mode) == 0o600
        assert b"Musterfrau" not in _everything(home)
        with pytest.raises(UserInputError, match="No identity is kept"):
            home.identities.unseal("st-2")


def test_days_count_from_an_anchor_that_stays(tmp_path: Path) -> None:
    with Home.open(tmp_path / "home") as home:
        assert home.identities.relative_day("P-anna", date(2026, 3, 1)) == 0
    with Home.open(tmp_path / "home") as home:
        assert home.identities.relative_day("P-anna", date(2026, 3, 31)) == 30
        assert home.identities.relative_day("P-anna", date(2026, 2, 28)) == -1
        assert home.identities.relative_day("P-otto", date(2026, 2, 28)) == 0
        assert b"2026-03-01" not in (home.path / "scanwright.sqlite").read_bytes()


def _two_patients(home: Home) -> None:
    """Anna has st-1 and st-2, Otto st-3, whose pixels are those of st-2; run r-both compares the two patients."""
    home.identities.seal("st-1", "P-anna", ANNA)
    home.identities.seal("st-3", "P-otto", {"PatientName": "Otto"})
    home.studies.add(a_study(home.blobs, "st-1", seed=1, subject="P-anna"))
    home.studies.add(a_study(home.blobs, "st-2", seed=2, subject="P-anna"))
    otto = a_study(home.blobs, "st-3", seed=2, subject="P-otto").model_copy(update={"fingerprint": "3" * 64})
    home.studies.add(otto)
    home.studies.remember_source("st-1", "/a", 1, 1)
    home.runs.create("r-anna", "What has Musterfrau?", ["st-1"], {"a": 1}, "k1")
    home.runs.finish_step("r-anna", "m", "key-anna", a_measurement(1.0, "P-anna"), 0, False, {})
    home.runs.finish_step("r-anna", "d", "key-figure", a_figure(home.blobs, b"of anna"), 0, False, {})
    home.runs.finish_step("r-anna", "l", "key-legend", a_figure(home.blobs, b"a legend"), 0, False, {})
    home.runs.finish("r-anna", "answered", {"text": "Musterfrau is well"})
    home.feedback.add("r-anna", "answer", "right", "Musterfrau agrees")
    home.runs.create("r-otto", "q", ["st-3"], {"b": 1}, "k2")
    home.runs.finish_step("r-otto", "m", "key-otto", a_measurement(2.0, "P-otto"), 0, False, {})
    home.runs.finish_step("r-otto", "l", "key-legend", a_figure(home.blobs, b"a legend"), 0, True, {})
    home.runs.create("r-both", "q", ["st-2", "st-3"], {"c": 1}, "k3")
    home.runs.finish_step("r-both", "m", "key-otto", a_measurement(2.0, "P-otto"), 0, True, {})
    home.runs.finish_step("r-both", "d", "key-both", a_figure(home.blobs, b"of both"), 0, False, {})


def test_erasing_a_subject_removes_all_that_is_theirs_and_nothing_else(tmp_path: Path) -> None:
    with Home.open(tmp_path / "home") as home:
        _two_patients(home)
        assert b"Musterfrau" in _everything(home)
        log = home.runs.events("r-anna")
        gone = home.studies.get("st-1").series[0].image.blob
        shared = home.studies.get("st-2").series[0].image.blob
        done = home.identities.erase("P-anna")
        assert set(done.studies) == {"st-1", "st-2"}
        assert set(done.runs) == {"r-anna", "r-both"}
        # Two volumes, a measurement, two pictures; the second volume's pixels are Otto's too.
        assert (done.artifacts, done.blobs) == (5, 3)
        assert not (home.path / "keys" / "P-anna.key").exists()
        assert b"Musterfrau" not in _everything(home)
        assert b"of anna" not in _everything(home)
        assert not home.blobs.exists(gone)
        assert home.blobs.exists(shared)
    with Home.open(tmp_path / "home") as home:
        assert [study.study_id for study in home.studies.list()] == ["st-3"]
        assert home.identities.unseal("st-3") == {"PatientName": "Otto"}
        assert home.runs.cached("key-otto") == a_measurement(2.0, "P-otto")
        assert home.runs.cached("key-legend") is not None
        for key in ("key-anna", "key-figure", "key-both"):
            assert home.runs.cached(key) is None
        assert home.studies.by_source("/a", 1, 1) is None
        assert home.runs.events("r-anna") == log
        run = home.runs.get("r-anna")
        assert (run.question, run.plan, run.answer, run.status) == ("", {}, None, "erased")
        assert home.runs.open_run("k3", ["st-2", "st-3"]) is None
        with pytest.raises(UserInputError, match="was erased on"):
            home.studies.get("st-1")
        with pytest.raises(UserInputError, match="Nothing is kept"):
            home.identities.erase("P-anna")


def test_an_erased_patient_can_be_imported_again(home: Home) -> None:
    _two_patients(home)
    home.identities.erase("P-anna")
    home.identities.seal("st-1", "P-anna", ANNA)
    home.studies.add(a_study(home.blobs, "st-1", seed=1, subject="P-anna"))
    assert home.studies.get("st-1").subject == "P-anna"
    assert home.identities.erase("P-anna").studies == ("st-1",)


def test_a_copy_of_the_database_without_the_key_tells_nobody(tmp_path: Path) -> None:
    with Home.open(tmp_path / "home") as home:
        _two_patients(home)
    shutil.copytree(tmp_path / "home", tmp_path / "copy")
    with Home.open(tmp_path / "home") as home:
        home.identities.erase("P-anna")
    (tmp_path / "copy" / "keys" / "P-anna.key").unlink()
    with Home.open(tmp_path / "copy") as copy, pytest.raises(UserInputError, match="The key of P-anna is not in"):
        copy.identities.unseal("st-1")


def test_an_erasure_that_was_killed_before_its_first_deletion_goes_on_at_the_next_open(tmp_path: Path) -> None:
    with Home.open(tmp_path / "home") as home:
        _two_patients(home)
        started = {"subject": "P-anna", "utc": utc_now(), "state": "started", "report": "{}", "pending_blobs": "[]"}
        with home._database.transaction() as connection:
            connection.execute(insert(schema.tombstones), started)
    with Home.open(tmp_path / "home") as home:
        _nothing_of_anna(home)


def test_an_erasure_that_stopped_at_a_blob_goes_on_at_the_next_open(tmp_path: Path) -> None:
    with Home.open(tmp_path / "home") as home:
        _two_patients(home)
        folder = home.path / "blobs" / home.studies.get("st-1").series[0].image.blob.sha256[:2]
        folder.rename(tmp_path / "away")
        with pytest.raises(FileNotFoundError):
            home.identities.erase("P-anna")
        (tmp_path / "away").rename(folder)
        assert any(folder.iterdir())
    with Home.open(tmp_path / "home") as home:
        _nothing_of_anna(home)


def _nothing_of_anna(home: Home) -> None:
    assert [study.study_id for study in home.studies.list()] == ["st-3"]
    assert not (home.path / "keys" / "P-anna.key").exists()
    assert b"Musterfrau" not in _everything(home)
    assert b"of anna" not in _everything(home)
    # Otto's volume, and the legend that both runs drew.
    assert sum(file.is_file() for file in (home.path / "blobs").rglob("*")) == 2
