"""An answer as a file to take along."""

from __future__ import annotations

import csv
import io
import json

from scanwright.agent.server.turns import readdressed
from scanwright.memory.records import RunRecord

COLUMNS = (
    "id", "name", "quantity", "structure", "side", "value", "unit", "low", "high", "bound", "step", "tool", "flags",
)  # fmt: skip
# A spreadsheet takes a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_json(record: RunRecord) -> str:
    """The answer and the plan that gave it."""
    known = {"run_id": record.run_id, "question": record.question, "studies": list(record.study_ids)}
    return json.dumps(
        {**known, "plan": record.plan, "answer": readdressed(record.answer or {})}, indent=2, ensure_ascii=False
    )


def as_csv(record: RunRecord) -> str:
    """The measurements, one a row."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    for item in (record.answer or {}).get("evidence", ()):
        if item.get("quantity"):
            span = item.get("uncertainty") or {}
            row = {name: item.get(name) for name in COLUMNS} | {"low": span.get("low"), "high": span.get("high")}
            row["flags"] = "; ".join(item.get("flags") or ())
            writer.writerow({k: _cell(v) for k, v in row.items()})
    return text.getvalue()


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
