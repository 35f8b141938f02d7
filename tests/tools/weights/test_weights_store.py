"""The weights store: where it looks, what it verifies, and what it says where weights are missing."""

from __future__ import annotations

import hashlib
import os
from importlib import metadata
from pathlib import Path

import pytest
from scanwright.tools.errors import ToolFailed
from scanwright.tools.hashing import sha256_file
from scanwright.tools.weights import verified
from scanwright.tools.weights.catalogue import CATALOGUE, Folder, Hub, Packaged, Spread, WeightsEntry, WeightsFile
from scanwright.tools.weights.store import WeightsStore

CONTENT = {"model.bin": b"weights of a model", "labels.txt": b"liver\nspleen\n"}


def entry(**changed: object) -> WeightsEntry:
    files = tuple(
        WeightsFile(role=name.split(".")[0], file=name, sha256=hashlib.sha256(data).hexdigest(), size=len(data))
        for name, data in CONTENT.items()
    )
    values: dict[str, object] = {
        "name": "toy", "licence": "CC0-1.0", "source": "made here", "files": files,
        "places": (Folder(path="toy"), Packaged(distribution="no-such-distribution", path="toy"),
                   Hub(repo="someone/toy", revision="v1")),
    }  # fmt: skip
    return WeightsEntry.model_validate({**values, **changed})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "weights" / "toy").mkdir(parents=True)
    for name, data in CONTENT.items():
        (tmp_path / "weights" / "toy" / name).write_bytes(data)
    return tmp_path / "weights"


def installed(known: WeightsEntry) -> bool:
    """True where a package that is installed here brings it."""
    names = [place.distribution for place in known.places if isinstance(place, Packaged)]
    return any(next(iter(metadata.distributions(name=name)), None) is not None for name in names)


@pytest.mark.parametrize("known", [e for e in CATALOGUE if installed(e)], ids=lambda e: e.name)
def test_every_catalogued_weight_that_a_package_brings_is_found_and_has_its_pinned_hash(known: WeightsEntry) -> None:
    store = WeightsStore()
    assert store.available(known.name)
    files = store.resolve(known.name)
    assert {f.role: f.sha256 for f in known.files} == {role: sha256_file(path) for role, path in files.items()}


def test_a_local_folder_wins_over_the_package(tmp_path: Path) -> None:
    packaged = WeightsStore().resolve("deepbet")
    (tmp_path / "deepbet").mkdir()
    for path in packaged.values():
        (tmp_path / "deepbet" / path.name).write_bytes(path.read_bytes())
    found = WeightsStore(tmp_path).resolve("deepbet")
    assert {path.parent for path in found.values()} == {tmp_path / "deepbet"}


def test_a_local_folder_with_only_some_of_the_files_does_not_hide_the_package(tmp_path: Path) -> None:
    (tmp_path / "deepbet").mkdir()
    (tmp_path / "deepbet" / "model.pt").write_bytes(WeightsStore().resolve("deepbet")["model"].read_bytes())
    assert WeightsStore(tmp_path).resolve("deepbet") == WeightsStore().resolve("deepbet")


def test_files_that_a_distribution_does_not_list_do_not_count_as_its_own() -> None:
    listed_by_another = entry(places=(Packaged(distribution="numpy", path="data/models"),))
    assert not WeightsStore(catalogue=[listed_by_another]).available("toy")


def test_a_changed_file_of_the_same_size_is_refused_with_a_sentence(folder: Path) -> None:
    store = WeightsStore(folder, catalogue=[entry()])
    store.resolve("toy")
    model = folder / "toy" / "model.bin"
    model.write_bytes(CONTENT["model.bin"][::-1])
    os.utime(model, ns=(1, 1))
    assert store.available("toy"), "available() is cheap: it does not hash"
    with pytest.raises(ToolFailed, match=r"model\.bin is not the one that was published for 'toy'.*install it again\."):
        store.resolve("toy")


def test_a_file_of_another_size_is_not_available_and_says_so(folder: Path) -> None:
    (folder / "toy" / "labels.txt").write_bytes(b"liver\n")
    store = WeightsStore(folder, catalogue=[entry()])
    assert not store.available("toy")
    assert "has 6 bytes and should have 13" in (store.why_not("toy") or "")
    with pytest.raises(ToolFailed):
        store.resolve("toy")


def test_missing_weights_say_every_way_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(ToolFailed) as caught:
        WeightsStore(tmp_path, catalogue=[entry()]).resolve("toy")
    sentence = str(caught.value)
    assert f"put model.bin and labels.txt into {tmp_path / 'toy'}" in sentence
    assert "install the package no-such-distribution" in sentence
    assert "fetch someone/toy at v1" in sentence


def test_an_unknown_name_says_what_the_catalogue_has() -> None:
    store = WeightsStore()
    assert not store.available("lung-net")
    with pytest.raises(ToolFailed, match=r"'lung-net'.*deepbet"):
        store.resolve("lung-net")


def test_a_file_is_hashed_once_as_long_as_it_does_not_change(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[Path] = []
    monkeypatch.setattr(verified, "sha256_file", lambda path: hashed.append(path) or sha256_file(path))
    store = WeightsStore(folder, catalogue=[entry()])
    store.resolve("toy")
    store.resolve("toy")
    assert sorted(p.name for p in hashed) == ["labels.txt", "model.bin"]
    os.utime(folder / "toy" / "model.bin", ns=(1, 1))
    store.resolve("toy")
    assert [p.name for p in hashed[2:]] == ["model.bin"]


def test_what_was_verified_is_remembered_on_disk_and_only_for_that_hash(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    WeightsStore(folder, cache=cache, catalogue=[entry()]).resolve("toy")
    monkeypatch.setattr(verified, "_verified", {})
    monkeypatch.setattr(verified, "sha256_file", lambda path: "0" * 64)
    WeightsStore(folder, cache=cache, catalogue=[entry()]).resolve("toy")
    wrong = tuple(f.model_copy(update={"sha256": "1" * 64}) for f in entry().files)
    with pytest.raises(ToolFailed):
        WeightsStore(folder, cache=cache, catalogue=[entry(files=wrong)]).resolve("toy")


def test_a_damaged_record_on_disk_costs_a_second_hash_and_nothing_else(folder: Path, tmp_path: Path) -> None:
    (tmp_path / verified.RECORD_NAME).write_text("{ not json")
    assert WeightsStore(folder, cache=tmp_path, catalogue=[entry()]).resolve("toy")


def test_two_entries_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two weights are called 'toy'"):
        WeightsStore(catalogue=[entry(), entry()])


def test_files_that_several_packages_bring_are_found_together_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = (("toy-part-1", "toy_part_1/part.bin"), ("toy-part-2", "toy_part_2/part.bin"))
    toy = entry(places=(Spread(parts=parts),))

    def install(number: int) -> None:
        about = tmp_path / f"toy_part_{number}-1.0.dist-info"
        about.mkdir()
        (tmp_path / f"toy_part_{number}").mkdir()
        (tmp_path / f"toy_part_{number}" / "part.bin").write_bytes(list(CONTENT.values())[number - 1])
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: toy-part-{number}\nVersion: 1.0\n")
        (about / "RECORD").write_text(f"toy_part_{number}/part.bin,,\n")

    monkeypatch.syspath_prepend(tmp_path)
    install(1)
    store = WeightsStore(catalogue=[toy])
    assert "install the packages toy-part-1, toy-part-2" in str(store.why_not("toy"))
    install(2)
    found = store.resolve("toy")
    assert {role: path.read_bytes() for role, path in found.items()} == {
        "model": CONTENT["model.bin"], "labels": CONTENT["labels.txt"]
    }  # fmt: skip
