"""Common English words, so that the speller leaves them alone: the whole words the sentence encoder knows."""

from __future__ import annotations

import json

from scanwright.tools.errors import ToolFailed
from scanwright.tools.weights.store import WeightsStore


def dictionary(weights: WeightsStore) -> set[str]:
    """About 22,000 lower-case words; empty where the encoder is not installed."""
    try:
        tokenizer = json.loads(weights.resolve("all-minilm-l6-v2")["tokenizer"].read_text("utf-8"))
    except (ToolFailed, KeyError):
        return set()
    return {word for word in tokenizer["model"]["vocab"] if len(word) > 2 and word.isascii() and word.isalpha()}
