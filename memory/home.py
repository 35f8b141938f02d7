"""Home: one folder with all state, and one owner at a time."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from scanwright.memory.lock import OwnerLock
from scanwright.memory.settings import MemorySettings
from scanwright.tools.errors import UserInputError

if TYPE_CHECKING:
    from scanwright.memory.blobs import BlobStore
    from scanwright.memory.cases import CaseStore
    from scanwright.memory.cohorts import CohortStore
    from scanwright.memory.conversations import ConversationStore
    from scanwright.memory.corrections import CorrectionStore
    from scanwright.memory.database import Database
    from scanwright.memory.feedback import FeedbackStore
    from scanwright.memory.identities import IdentityStore
    from scanwright.memory.runs import RunStore
    from scanwright.memory.sessions import SessionStore
    from scanwright.memory.steps import StepCache
    from scanwright.memory.studies import StudyStore
    from scanwright.memory.vectors import VectorStore

PRIVATE = 0o700


class Home:
    """All that is kept. Open it with `Home.open`, in a with statement or closed by hand.

    path: the folder. blobs, studies, runs, feedback, identities, step_cache, cases,
    conversations, sessions, corrections: the stores.
    """

    path: Path
    blobs: BlobStore
    studies: StudyStore
    runs: RunStore
    feedback: FeedbackStore
    identities: IdentityStore
    step_cache: StepCache
    cases: CaseStore
    cohorts: CohortStore
    conversations: ConversationStore
    sessions: SessionStore
    corrections: CorrectionStore

    def __init__(self, path: Path, settings: MemorySettings, lock: OwnerLock) -> None:
        """Opens the stores of a folder that the caller holds the lock of; use `Home.open`."""
        from scanwright.memory.blobs import BlobStore
        from scanwright.memory.cases import CaseStore
        from scanwright.memory.cohorts import CohortStore
        from scanwright.memory.conversations import ConversationStore
        from scanwright.memory.corrections import CorrectionStore
        from scanwright.memory.database import Database, sqlite_url
        from scanwright.memory.feedback import FeedbackStore
        from scanwright.memory.identities import IdentityStore
        from scanwright.memory.keys import KeyRing
        from scanwright.memory.runs import RunStore
        from scanwright.memory.sessions import SessionStore
        from scanwright.memory.steps import StepCache
        from scanwright.memory.studies import StudyStore

        self.path = path
        self._settings = settings
        self._lock = lock
        self._vectors: VectorStore | None = None
        self._database: Database = Database(settings.database_url or sqlite_url(path / "scanwright.sqlite"))
        try:
            self._database.upgrade()
            keys = KeyRing(path / "keys")
            self.blobs = BlobStore(settings.blob_url or str(path / "blobs"), path / "blob-cache")
            self.step_cache = StepCache(self._database, self.blobs)
            self.studies = StudyStore(self._database, self.step_cache, keys)
            self.runs = RunStore(self._database, self.step_cache)
            self.feedback = FeedbackStore(self._database, self.runs)
            self.cases = CaseStore(self._database, self.vectors, self.studies)
            self.cohorts = CohortStore(self._database)
            self.conversations = ConversationStore(self._database)
            self.sessions = SessionStore(self._database)
            self.corrections = CorrectionStore(self._database, self.runs)
            self.identities = IdentityStore(self._database, keys, self.blobs, self.cases)
            _empty(self.staging)
        except BaseException:
            self._database.close()
            raise

    @classmethod
    def open(
        cls,
        path: Path | str | None = None,
        *,
        settings: MemorySettings | None = None,
        wait_s: float = 600.0,
        on_wait: Callable[[str], None] | None = None,
    ) -> Home:
        """Opens a home, makes it where there is none, and waits its turn where another command has it open.

        path None is the user's data folder. on_wait is told once that it waits, and for whom.
        Raises UserInputError where the folder cannot be written, wait_s is over, or newer code wrote it.
        """
        path = _made(Path(path) if path is not None else default_home())
        lock = OwnerLock(path / "owner.lock")
        lock.acquire(wait_s, on_wait)
        try:
            return cls(path, settings or MemorySettings(), lock)
        except OSError as error:
            lock.release()
            raise _not_writable(path, error) from error
        except BaseException:
            lock.release()
            raise

    @property
    def staging(self) -> Path:
        """A folder for files on their way in; what a killed import left there is gone at the next open."""
        return self.path / "staging"

    @property
    def checkpoints(self) -> Path:
        """The file for the executor's checkpoints, which can be thrown away: the event log is the truth."""
        return self.path / "checkpoints.sqlite"

    def vectors(self) -> VectorStore:
        """The vector store, opened when it is first asked for."""
        if self._vectors is None:
            from scanwright.memory.vectors import open_vectors

            self._vectors = open_vectors(self.path / "vectors", self._settings.qdrant_url)
        return self._vectors

    def close(self) -> None:
        """Closes all stores and lets the next command in; a second call does nothing."""
        if self._vectors is not None:
            self._vectors.close()
            self._vectors = None
        if self._lock.held:
            self._database.close()
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def default_home() -> Path:
    """The home that is used where none is named: a folder in the user's data folder."""
    from platformdirs import user_data_path

    return user_data_path("scanwright", appauthor=False)


def _made(path: Path) -> Path:
    path = path.expanduser().absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
        # A folder with other things in it keeps its mode (it might be /tmp); what we make in it is private.
        if not any(path.iterdir()):
            path.chmod(PRIVATE)
        for name in ("staging", "blobs", "keys"):
            (path / name).mkdir(mode=PRIVATE, exist_ok=True)
    except OSError as error:
        raise _not_writable(path, error) from error
    return path


def _not_writable(path: Path, error: OSError) -> UserInputError:
    return UserInputError(
        f"The home folder {path} cannot be written ({error.strerror or error}): choose another with --home."
    )


def _empty(folder: Path) -> None:
    for leftover in folder.iterdir():
        if leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()
