"""The published schema of answers: python -m scanwright.agent.answer.schema writes docs/answer.schema.json."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from scanwright.agent.answer.result import ANSWER_SCHEMA_VERSION, AnswerResult

FILE = Path("docs/answer.schema.json")


def answer_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of what `scanwright ask --json` prints for a question that was planned."""
    schema = AnswerResult.model_json_schema(mode="serialization")
    schema["properties"]["schema_version"] |= {"const": ANSWER_SCHEMA_VERSION}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Scanwright answer, version {ANSWER_SCHEMA_VERSION}",
        **{k: v for k, v in schema.items() if k != "title"},
    }


def as_text() -> str:
    """The file's content."""
    return json.dumps(answer_schema(), indent=2, ensure_ascii=False) + "\n"


def main(argv: list[str] | None = None) -> int:
    """Writes the schema to the file named, or to docs/answer.schema.json below the working folder."""
    arguments = sys.argv[1:] if argv is None else argv
    file = Path(arguments[0]) if arguments else FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(as_text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
