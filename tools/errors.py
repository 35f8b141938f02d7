"""Errors, split by who should hear them.

Everything else that is raised is our bug and keeps its traceback.
"""

from __future__ import annotations


class ScanwrightError(Exception):
    """The base of all errors whose message is one sentence: what is wrong and what to do."""


class UserInputError(ScanwrightError):
    """The person gave something that cannot be used; told to the person, exit code 2."""


class NeedsInput(ScanwrightError):
    """A fact is missing that only the person knows; asked of the person, exit code 3.

    missing names the facts (for example "modality"), offers what the person can write.
    """

    def __init__(self, message: str, missing: tuple[str, ...] = (), offers: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.missing = missing
        self.offers = offers


class ToolInputError(ScanwrightError):
    """A tool was called with something it does not take; told to the planner."""


class ToolFailed(ScanwrightError):
    """A tool ran and could not finish (crash, memory limit, time limit); told to the planner."""


class Cancelled(ScanwrightError):
    """The person stopped the run; nothing half-written is kept."""


class ToolBug(ScanwrightError):
    """A tool raised something that is none of the above: a bug in it. traceback is the text from its worker."""

    def __init__(self, message: str, traceback: str = "") -> None:
        super().__init__(message)
        self.traceback = traceback
        if traceback:
            self.add_note(traceback)
