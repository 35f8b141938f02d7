"""The published description of the API: python -m scanwright.agent.server.openapi writes docs/openapi.json."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from scanwright.agent.server.app import make_app

FILE = Path("docs/openapi.json")


def as_text() -> str:
    """The file's content."""
    return json.dumps(make_app(None).openapi(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def main(argv: list[str] | None = None) -> int:
    """Writes the description to the file named, or to docs/openapi.json below the working folder."""
    arguments = sys.argv[1:] if argv is None else argv
    file = Path(arguments[0]) if arguments else FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(as_text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
