"""What a person has accepted: weights of no commercial use, and programs of no known hash, are not used before."""

from __future__ import annotations

import json
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from scanwright.tools.weights.entries import WeightsEntry

RECORD_NAME = "accepted-licences.json"


def accepted(entry: WeightsEntry, folder: Path | None) -> bool:
    """True where nothing has to be accepted, or a person has accepted this very licence on this machine."""
    if entry.commercial and not entry.program:
        return True
    return folder is not None and _read(folder).get(entry.name, {}).get("licence") == entry.licence


def accept(entry: WeightsEntry, folder: Path) -> None:
    """Records that a person accepts the licence of entry."""
    record = {**_read(folder), entry.name: {"licence": entry.licence, "utc": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}}
    folder.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(prefix=RECORD_NAME, dir=folder)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(record, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, folder / RECORD_NAME)


def not_accepted(entry: WeightsEntry) -> str:
    """The sentence that says what to do."""
    if entry.program:
        return (
            f"The weights {entry.name!r} are a program that would run on this machine, and no hash of it is known: if "
            f"you trust where you got it ({entry.source}), say so with `scanwright weights fetch {entry.name} "
            "--accept-licence`."
        )
    return (
        f"The weights {entry.name!r} may not be used commercially ({entry.licence}): read the licence at "
        f"{entry.source}, and accept it with `scanwright weights fetch {entry.name} --accept-licence`."
    )


def _read(folder: Path) -> dict[str, dict[str, str]]:
    try:
        record = json.loads((folder / RECORD_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}
