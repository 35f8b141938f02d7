"""One row for each study, as CSV."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path

from scanwright.agent.answer.result import AnswerResult, EvidenceItem
from scanwright.tools.errors import UserInputError


def write_rows(file: Path, results: Sequence[tuple[str, AnswerResult | str]]) -> None:
    """Writes study, status, run, every measured value with its unit and uncertainty, flags and reason.

    The file appears whole or not at all. Raises UserInputError where it cannot be written.
    """
    columns = ["study", "status", "run_id"]
    rows: list[dict[str, object]] = []
    for study, result in results:
        row: dict[str, object] = {"study": study}
        if isinstance(result, str):
            row |= {"status": "failed", "reason": result}
        else:
            row |= {"status": result.status, "run_id": result.run_id or ""}
            row |= {"reason": result.refusal.reason if result.refusal else ""}
            for item in result.evidence:
                if item.quantity is not None:
                    row |= _cells(item)
        columns += [c for c in row if c not in columns and c not in ("reason", "flags")]
        rows.append(row)
    partial = file.with_name(f".{file.name}.part")
    try:
        with partial.open("w", newline="", encoding="utf-8") as out:
            writer = csv.DictWriter(out, [*columns, "flags", "reason"], restval="")
            writer.writeheader()
            writer.writerows(rows)
            out.flush()
            os.fsync(out.fileno())
        partial.replace(file)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise UserInputError(f"The table {file} cannot be written: {error.strerror}.") from None


def _cells(item: EvidenceItem) -> dict[str, object]:
    side = f" {item.side}" if item.side in ("left", "right") else ""
    name = f"{item.quantity} of{side} {item.structure}" + (f" [{item.unit}]" if item.unit not in (None, "1") else "")
    value = " ".join(map(str, item.value)) if isinstance(item.value, tuple) else item.value
    cells: dict[str, object] = {name: "" if value is None else value}
    if item.uncertainty is not None and item.uncertainty.low is not None:
        cells |= {f"{name} low": item.uncertainty.low, f"{name} high": item.uncertainty.high}
    if item.flags or item.bound:
        cells["flags"] = "; ".join([*item.flags, *(["lower bound"] if item.bound == "lower" else [])])
    return cells
