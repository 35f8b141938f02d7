"""Desk: what owns the open home for as long as the server runs, and does the work in the order in which it came."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from scanwright.agent.given import Given
from scanwright.agent.plan.studies import StudyView
from scanwright.agent.server.feed import Feed
from scanwright.agent.server.lane import Lane
from scanwright.agent.server.pixel_files import PixelFiles
from scanwright.agent.server.settings import ServerSettings
from scanwright.agent.server.suggesting import Suggestions
from scanwright.agent.server.turns import Turns
from scanwright.agent.server.uploads import Uploads
from scanwright.agent.workbench import Workbench
from scanwright.memory.home import Home
from scanwright.memory.records import StudyRecord
from scanwright.memory.sessions import UNFINISHED
from scanwright.tools.artifacts import Artifact
from scanwright.tools.errors import NeedsInput, ScanwrightError, UserInputError


class NotThere(UserInputError):
    """What the address names is not kept here (404)."""


class Desk:
    """The server's workbench with its home. Open it in a with statement.

    questions does planning and runs, imports reads files: a long run keeps nobody from importing.
    """

    home: Home
    questions: Lane
    imports: Lane
    feed: Feed
    uploads: Uploads
    turns: Turns
    pixels: PixelFiles
    suggestions: Suggestions

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench
        self.settings: ServerSettings = bench.settings.server
        self._open = ExitStack()
        self._warm = False

    def __enter__(self) -> Desk:
        self.home = self._open.enter_context(self.bench.open_home())
        try:
            self.feed = Feed(self.home.sessions)
            self.questions = Lane("questions", self.bench.cancelled.set, self.bench.cancelled.clear)
            self.imports = Lane("imports")
            self.uploads = Uploads(self.home.path / "uploads", self.settings)
            self.pixels = PixelFiles(self.home.path / "served", self.home.blobs)
            self.suggestions = Suggestions(self.bench, self.home)
            self.turns = Turns(self.bench, self.home, self.feed, self.questions)
            self._go_on()
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.feed.close()
        self.questions.close()
        self.imports.close()
        self._open.close()

    def _go_on(self) -> None:
        """What was acknowledged and not finished when the server ended is taken up again."""
        for turn in self.home.sessions.unfinished():
            assert turn.status in UNFINISHED
            self.turns.take_up(turn)
        for child in self.home.corrections.open_children():
            self.turns.run_child(child)

    def warm(self) -> None:
        """Has the planner loaded, so that the first question waits less; once."""
        if not self._warm:
            self._warm = True
            self.questions.add("warm", self._load_planner)

    def _load_planner(self) -> None:
        # What is wrong with the planner is told to whoever asks.
        with suppress(ScanwrightError):
            self.bench.offline_planner(self.home).propose("How large is it?", ())

    def study(self, study_id: str) -> StudyRecord:
        """The study with exactly this id. Raises NotThere."""
        for record in self.home.studies.list():
            if record.study_id == study_id:
                return record
        raise NotThere(f"There is no study {study_id!r} here.")

    def artifact(self, artifact_hash: str) -> Artifact:
        """The artifact with this hash. Raises NotThere."""
        found = self.home.runs.artifact(artifact_hash)
        if found is None:
            raise NotThere(f"There is no artifact {artifact_hash[:16]!r} here, or its pixels are gone.")
        return found

    def session(self, session_id: str) -> Any:
        """The conversation with exactly this id. Raises NotThere."""
        return exact(self.home.conversations, session_id, "conversation_id", "session")

    def run(self, run_id: str) -> Any:
        """The run with exactly this id. Raises NotThere."""
        return exact(self.home.runs, run_id, "run_id", "run")

    def views(self, studies: list[str], given: Given) -> list[StudyView]:
        """The studies as a plan sees them, the one asked about first."""
        for study in studies:
            self.study(study)
        return given.views(self.home, studies)

    def import_files(self, target: Path, given: Given, name: str) -> StudyRecord:
        """Imports what was uploaded, on the imports' lane, and waits for it."""
        done: StudyRecord = self.imports.add(name, lambda: self.bench.import_study(target, given)).result()
        return done


def exact(store: Any, key: str, field: str, what: str) -> Any:
    """The record whose id is key itself: the beginning of an id, or "last", is nothing for an address."""
    try:
        record = store.get(key)
    except UserInputError:
        record = None
    if record is None or getattr(record, field) != key:
        raise NotThere(f"There is no {what} {key!r} here.")
    return record


def refusal(error: BaseException) -> dict[str, Any]:
    """An error as the API tells it: one sentence, what is missing, what can be done instead."""
    if isinstance(error, NeedsInput):
        return {"error": str(error), "missing": list(error.missing), "offers": list(error.offers)}
    if isinstance(error, ScanwrightError):
        return {"error": str(error), "missing": [], "offers": []}
    return {"error": "Something went wrong inside Scanwright; its log says what.", "missing": [], "offers": []}
