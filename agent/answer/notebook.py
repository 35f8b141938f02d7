"""How an answer shows itself in Jupyter: text, table of evidence, pictures."""

from __future__ import annotations

import base64
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from scanwright.agent.answer.render import range_text, value_text

if TYPE_CHECKING:
    from scanwright.agent.answer.result import AnswerResult


def answer_html(result: AnswerResult) -> str:
    """HTML with everything inside it; all text is escaped."""
    rows = "".join(
        f"<tr><td>{escape(e.id)}</td><td>{escape(e.name)}</td><td>{escape(value_text(e)) if e.quantity else ''}</td>"
        f"<td>{escape(range_text(e))}</td><td>{escape(e.tool)}</td></tr>"
        for e in result.evidence
    )
    pictures = "".join(_picture(Path(p)) for p in result.pictures())
    text = "<br>".join(escape(line) for line in result.answer.splitlines())
    warnings = "".join(f"<li>{escape(w)}</li>" for w in result.warnings)
    return (
        f"<div><p>{text}</p><ul>{warnings}</ul>"
        f"<table><tr><th></th><th>what</th><th>value</th><th>uncertainty</th><th>tool</th></tr>{rows}</table>"
        f"{pictures}<p><small>{escape(result.notice)} Planned by: {escape(result.plan.planner)}.</small></p></div>"
    )


def _picture(file: Path) -> str:
    if not file.exists():
        return ""
    data = base64.b64encode(file.read_bytes()).decode()
    return f'<img style="max-width:100%" alt="{escape(file.name)}" src="data:image/png;base64,{data}">'
