"""Ways of asking a server for JSON under a schema, and finding the JSON in what comes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Form: TypeAlias = dict[str, Any]
_MAX_DEPTH = 40


def _json_schema(name: str, schema: Mapping[str, Any]) -> Form:
    """OpenAI's own way, which vLLM, llama.cpp and Ollama know too."""
    return {"response_format": {"type": "json_schema", "json_schema": {"name": name, "schema": schema, "strict": True}}}


def _structured_outputs(name: str, schema: Mapping[str, Any]) -> Form:
    """vLLM's own parameter."""
    return {"extra_body": {"structured_outputs": {"json": schema}}}


def _json_object(name: str, schema: Mapping[str, Any]) -> Form:
    """Servers that promise JSON, but not which."""
    return {"response_format": {"type": "json_object"}, "in_words": True}


def _plain(name: str, schema: Mapping[str, Any]) -> Form:
    """Servers that promise nothing."""
    return {"in_words": True}


FORMS: tuple[Callable[[str, Mapping[str, Any]], Form], ...] = (_json_schema, _structured_outputs, _json_object, _plain)
_THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)


def json_in(text: str) -> dict[str, Any]:
    """The JSON object in what a model wrote: alone, in a fence, after its thoughts or amid words.

    Raises ValueError where there is none, or where it nests too deeply to be a form.
    """
    bare = _THOUGHT.sub("", text).strip()
    start = bare.find("{")
    if start < 0:
        raise ValueError("no JSON object in it")
    try:
        value, _ = json.JSONDecoder().raw_decode(bare[start:])
    except (ValueError, RecursionError):
        raise ValueError("its JSON is not whole") from None
    if not isinstance(value, dict) or _depth(value) > _MAX_DEPTH:
        raise ValueError("its JSON is no form")
    return value


def _depth(value: Any) -> int:
    deepest, stack = 0, [(value, 1)]
    while stack:
        item, depth = stack.pop()
        deepest = max(deepest, depth)
        children = item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
        stack += [(child, depth + 1) for child in children if isinstance(child, dict | list)]
    return deepest
