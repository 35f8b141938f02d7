"""ask: a question about a scan, from Python. `from scanwright.agent import ask`.

The module is not called ask, because importing it would put it in the place of the function.
"""

from __future__ import annotations

import atexit
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from scanwright.agent.answer.result import AnswerResult
    from scanwright.agent.workbench import Review, Workbench
    from scanwright.tools.contract.quantity import Point

Where = str | Path
_benches: dict[Path | None, Workbench] = {}
_turn = threading.RLock()


def ask(
    studies: Where | Sequence[Where],
    question: str,
    *,
    mask: Where | Sequence[Where] | None = None,
    at: Point | tuple[float, float, float] | None = None,
    modality: str | None = None,
    body_part: str | None = None,
    sides: Literal["known", "unknown"] | None = None,
    stain: str | None = None,
    pixel_size_um: float | None = None,
    gated: bool | None = None,
    series: str | None = None,
    patient: str | None = None,
    home: Where | None = None,
    review: Review | None = None,
    approved: bool = False,
) -> AnswerResult:
    """Asks a question about a study: a file, a folder, a zip, or an imported study's id or name.

    Of two studies the first is the earlier exam. mask is FILE or FILE:LABEL on the (last) scan's grid, or one for each
    study; at a point in RAS+ mm; modality, body_part, sides, stain, pixel_size_um (µm) and gated (by the ECG) are facts
    that the file leaves out; patient joins studies of one person. home is the folder with all state. review sees the
    plan first and returns it, or None to stop; approved lets a plan run that exports or takes long. Workers stay warm
    until the process ends. The answer shows itself in Jupyter.

    Raises UserInputError where the input is wrong and NeedsInput where something must be approved.
    """
    from scanwright.agent.given import Given
    from scanwright.tools.contract.quantity import Point
    from scanwright.tools.errors import UserInputError
    from scanwright.tools.imaging.loaded import GivenFacts

    try:
        point = at if at is None or isinstance(at, Point) else Point(x=at[0], y=at[1], z=at[2])
    except (ValueError, TypeError, IndexError):
        raise UserInputError(f"at takes three numbers in mm, as (10, -20.5, 33): got {at!r}.") from None
    facts = GivenFacts(
        modality=modality, body_part=body_part, sides=sides, stain=stain, pixel_size_um=pixel_size_um, gated=gated
    )
    masks = () if mask is None else (mask,) if isinstance(mask, str | Path) else mask
    given = Given(facts, tuple(map(str, masks)), point, series, patient)
    targets = [studies] if isinstance(studies, str | Path) else list(studies)
    with _turn:
        return _bench(home).ask(targets, question, given, review=review, approved=approved)


def close() -> None:
    """Ends the warm workers; the next ask starts new ones."""
    with _turn:
        while _benches:
            _benches.popitem()[1].close()


def _bench(home: Where | None) -> Workbench:
    from scanwright.agent.workbench import Workbench

    path = None if home is None else Path(home).expanduser().absolute()
    if path not in _benches:
        if not _benches:
            atexit.register(close)
        _benches[path] = Workbench(path, on_wait=lambda message: print(message, file=sys.stderr))
    return _benches[path]
