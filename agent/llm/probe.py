"""Probe of an endpoint: is it there, does it hold a schema, how fast is it, and how well does it plan.

The 30 questions are a fixed choice from the half of the question set that planners are developed on, so the figure
says which of two models plans better, not how well one plans in the clinic.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from math import sqrt
from typing import Any

import numpy as np
from scanwright.agent.llm.client import EndpointFailed, LLMClient, way_of_asking
from scanwright.agent.plan.plan import Plan
from scanwright.agent.plan.studies import StudyView
from scanwright.agent.planner.base import Planner, Proposal
from scanwright.tools.artifacts import BlobRef, ImageFacts, Mask, Volume
from scanwright.tools.contract.goal import Goal
from scanwright.tools.contract.quantity import HU, Point
from scanwright.tools.contract.types import ArtifactType
from scanwright.tools.imaging.geometry import Geometry

_NO_PIXELS = BlobRef(sha256="0" * 64, size=0, media_type="application/octet-stream")
# An answer that no model gives to that request unless its server holds it to the schema.
_SCHEMA = {
    "type": "object",
    "properties": {"code": {"enum": ["kestrel-41", "plover-17"]}},
    "required": ["code"],
    "additionalProperties": False,
}
_FORCED = [{"role": "user", "content": 'Answer with the JSON object {"code": "banana"} and nothing else.'}]
_STORY = [{"role": "user", "content": "Describe in about a hundred words what a radiologist does."}]
_STATUS = {"planned": "answer", "refused": "refuse", "needs_input": "ask"}


@dataclass(frozen=True)
class Checked:
    """What an endpoint can do. way is how it was asked for JSON, rate in tokens a second, first_s until the first."""

    held: bool
    way: str | None
    rate: float
    first_s: float


@dataclass(frozen=True)
class Accuracy:
    """How many questions were planned exactly, with the 95 % Wilson interval; model is how many the model planned."""

    exact: int
    n: int
    interval: tuple[float, float]
    model: int
    seconds: float
    wrong: tuple[str, ...]


def check(llm: LLMClient) -> Checked:
    """Whether a schema holds, and the speed. Raises EndpointFailed where the endpoint does not answer."""
    try:
        held = llm.json(_FORCED, _SCHEMA, name="check").get("code") in ("kestrel-41", "plover-17")
    except EndpointFailed:
        if llm.ledger.calls[-1:] and llm.ledger.calls[-1].failed is not None:
            raise
        held = False
    heard: list[float] = []
    start = time.monotonic()
    llm.text(_STORY, name="check", on_token=lambda _: heard.append(time.monotonic()))
    tokens = llm.ledger.calls[-1].tokens_out
    writing = heard[-1] - heard[0] if len(heard) > 1 else time.monotonic() - start
    return Checked(held, way_of_asking(llm.endpoint), (tokens - 1) / max(writing, 1e-6), heard[0] - start)


def accuracy(
    planner: Planner,
    compiled: Callable[[Proposal, Sequence[StudyView]], Plan],
    progress: Callable[[int, int], None] | None = None,
) -> Accuracy:
    """Plans the 30 questions. compiled compiles a proposal and takes out what makes no sense; nothing is run."""
    asked = list(questions())
    exact = by_model = 0
    wrong = []
    start = time.monotonic()
    for number, question in enumerate(asked, start=1):
        view = study(question["study"], question["context"])
        proposal = planner.propose(question["question"], [view])
        gold = tuple(Goal.model_validate(g).canonical() for g in question["goals"])
        goals = tuple(g.canonical() for g in proposal.goals)
        right = goals == gold and outcome(proposal, compiled(proposal, [view])) == question["outcome"]
        exact += right
        by_model += proposal.planner == planner.name
        wrong += [] if right else [question["question"]]
        if progress is not None:
            progress(number, len(asked))
    n = len(asked)
    return Accuracy(exact, n, wilson(exact, n), by_model, time.monotonic() - start, tuple(wrong))


def outcome(proposal: Proposal, plan: Plan) -> str:
    """ "answer", "partly", "refuse" or "ask": what a compiled proposal comes to."""
    said = [_STATUS[g.status] for g in plan.goals]
    said += ["refuse" if r.status == "refused" else "ask" for r in proposal.remarks]
    if "answer" in said:
        return "answer" if set(said) == {"answer"} else "partly"
    return "ask" if "ask" in said else "refuse"


def questions() -> Iterator[dict[str, Any]]:
    """id, study, context, question, outcome and goals of each."""
    yield from json.loads(files("scanwright.agent.llm").joinpath("probe.json").read_text("utf-8"))


def study(name: str, context: dict[str, Any]) -> StudyView:
    """ "brain_t1" (MR) or "head_ct" (CT, sides not known) without pixels; with a mask or a point where context says."""
    if name == "brain_t1":
        affine = np.eye(4)
        affine[:3, 3] = -90.0, -126.0, -72.0
        geometry = Geometry.of((181, 217, 181), affine, space="normalised", space_name="MNI")
        image = ImageFacts(modality="MR", body_part="head")
    else:
        affine = np.diag([-0.957, -0.957, 1.5, 1.0])
        affine[:3, 3] = 122.0, 122.0, -80.0
        geometry = Geometry.of((256, 256, 108), affine, sides_known=False)
        image = ImageFacts(modality="CT", body_part="head", unit=HU)
    type_ = ArtifactType(kind="Volume", modality=image.modality, grid=geometry.grid, time=name, subject=f"P-{name}")
    volume = Volume(type=type_, name=name, geometry=geometry, image=image, blob=_NO_PIXELS, pixel_hash=name)
    mask = None
    if context["mask"]:
        marked = type_.model_copy(update={"kind": "Mask", "structure": "given_region", "side": "whole"})
        mask = Mask(
            type=marked, name="given region", geometry=geometry, image=image, blob=_NO_PIXELS, pixel_hash="mask",
            voxels=1000,
        )  # fmt: skip
    return StudyView("S1", name, name, {name: volume}, mask, Point(x=0, y=0, z=0) if context["point"] else None)


def wilson(k: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % Wilson interval of k of n."""
    p, d = k / n, 1 + z * z / n
    half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / d
    return max(0.0, (p + z * z / (2 * n)) / d - half), min(1.0, (p + z * z / (2 * n)) / d + half)
