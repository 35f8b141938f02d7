"""Which tools an image rules out: the one rule for the list of tools, for refusals and for what a model is offered.

Weights and packages are not asked about: they can be fetched, the scan stays what it is.
"""

from __future__ import annotations

from typing import Any

from scanwright.agent.plan.studies import kind_in_words, scene_of
from scanwright.tools.artifacts import Image
from scanwright.tools.contract.conditions import Concern
from scanwright.tools.contract.decorator import Tool
from scanwright.tools.contract.types import Kind

# What lies on an image of each kind, and what is measured on both.
_ON: dict[Kind, set[Kind]] = {
    "Volume": {"Mask", "LabelMap", "Plane"},
    "Slide": {"Cells", "Region"},
    "Photograph": {"Region"},
}


def ruled_out(tool: Tool[..., Any], image: Image) -> Concern | None:
    """Why a tool cannot work on an image, whatever is given beside it; None where nothing known speaks against it."""
    return _other_kind(tool, image) or next((c for c in tool.concerns(scene_of(image)) if c.effect == "refuse"), None)


def still_needed(tool: Tool[..., Any], image: Image) -> Concern | None:
    """What a tool that is not ruled out has to be told first (is the scan gated?); None where nothing is."""
    return next((c for c in tool.concerns(scene_of(image)) if c.effect == "ask"), None)


def _other_kind(tool: Tool[..., Any], image: Image) -> Concern | None:
    """A concern where a tool is for another kind of image; None where it is for this one, or for what lies on it."""
    needed = {spec.type.kind for spec in tool.card.inputs if not spec.optional}
    fits = [kind for kind, on in _ON.items() if kind in needed or (not needed & _ON.keys() and needed & on)]
    if not fits or image.type.kind in fits:
        return None
    have = kind_in_words(image.type.kind)
    return Concern("refuse", f"This needs a {kind_in_words(fits[0])}, and this is a {have}.", test="kind")
