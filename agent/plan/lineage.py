"""Where a step's values come from, and what follows: comparisons of unlike things, shares turned round.

Types say that two values are volumes of the same structure; lineage says whether they were made alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from scanwright.agent.plan.plan import PlanConcern, Step
from scanwright.tools.artifacts import Image, Mask, Volume
from scanwright.tools.contract.card import ToolCard
from scanwright.tools.contract.types import is_variable
from scanwright.tools.hashing import plain, sha256_json

# A structure seen in voxels twice as long on one exam changes its measured size with the voxels.
_SPACING_RATIO = 1.5


@dataclass(frozen=True)
class Origin:
    """How a value was made and from what.

    recipe is a hash of tools and parameters that leaves out which study they ran on; parents are the keys of all that
    went into it. scans come first input first, masks are those a person gave; day is that of the exam. interpolated is
    true of an image whose voxels are not the scanner's.
    """

    recipe: str
    scans: tuple[Image, ...]
    masks: tuple[Mask, ...] = ()
    parents: frozenset[str] = frozenset()
    day: int | None = None
    interpolated: bool = False

    @property
    def key(self) -> str:
        """Equal for values that are made alike from the same pixels."""
        return sha256_json([self.recipe, [v.pixel_hash for v in self.scans], [m.pixel_hash for m in self.masks]])


def of_volume(volume: Image, day: int | None) -> Origin:
    """A series of a study."""
    return Origin("volume", (volume,), day=day)


def of_mask(mask: Mask, scan: Image, day: int | None) -> Origin:
    """A mask that a person gave, with the series it lies on."""
    return Origin("mask", (scan,), (mask,), day=day)


def of_step(step: Step, params: Mapping[str, Any], inputs: Mapping[str, tuple[Origin, ...]], card: ToolCard) -> Origin:
    """What a step gives."""
    every = [o for origins in inputs.values() for o in origins]
    made = {name: [o.recipe for o in origins] for name, origins in sorted(inputs.items())}
    given = {k: plain(v) for k, v in params.items()}
    return Origin(
        sha256_json([step.tool, made, given]),
        tuple({v.pixel_hash: v for o in every for v in o.scans}.values()),
        tuple({m.pixel_hash: m for o in every for m in o.masks}.values()),
        frozenset({o.key for o in every}.union(*(o.parents for o in every))),
        every[0].day if every else None,
        card.output.kind == "Volume" and (card.lossy or any(o.interpolated for o in every)),
    )


def lineage_concerns(step: Step, card: ToolCard, inputs: Mapping[str, tuple[Origin, ...]]) -> list[PlanConcern]:
    """What is wrong with bringing these inputs together in this step."""
    timed = [i for i in card.inputs if is_variable(i.type.time) and i.name in inputs]
    # A tool that registers takes both scans beside what it compares: the first kind that comes twice is compared.
    pairs = [[i.name for i in timed if i.type.kind == kind] for kind in dict.fromkeys(i.type.kind for i in timed)]
    compared = next((pair for pair in pairs if len(pair) == 2), [])
    if compared:
        earlier, later = (inputs[name][0] for name in compared)
        found = list(_comparison(earlier, later))
    else:
        found = [*_alike(card, inputs), *_one_flat_image(card, inputs)]
    if card.output.kind == "Measurement" and any(o.interpolated for name in inputs for o in inputs[name]):
        sentence = "It is measured on an interpolated image, whose values and texture are smoother than the scanner's."
        found.append(("flag", sentence, "interpolated"))
    return [PlanConcern(step=step.id, effect=e, sentence=s, test=t) for e, s, t in found]


_Found = Iterator[tuple[str, str, str]]


def _comparison(earlier: Origin, later: Origin) -> _Found:
    one, other = earlier.scans[0], later.scans[0]
    if one.type.time is not None and one.type.time == other.type.time:
        yield "refuse", "Both values are of the same exam: a change needs two exams of one patient.", "same_exam"
        return
    if earlier.day is not None and later.day is not None and earlier.day > later.day:
        days = earlier.day - later.day
        yield "refuse", f"The exam taken as the earlier is {days} days younger than the other: swap them.", "order"
    if earlier.recipe != later.recipe:
        sentence = (
            "The two values are not made alike (other tools or other parameters), so their difference is partly the "
            "method's: measure both exams in the same way."
        )
        yield "refuse", sentence, "made_alike"
    yield from _unlike_scans(one, other)
    if any(m.touches for m in (*earlier.masks, *later.masks)):
        sentence = "A given mask is cut by the field of view, so its size is a lower bound and no change can be told."
        yield "refuse", sentence, "not_cut"


def _unlike_scans(one: Image, other: Image) -> _Found:
    if not isinstance(one, Volume) or not isinstance(other, Volume):
        return
    spaces = [(v.geometry.space, v.geometry.space_name) for v in (one, other)]
    if spaces[0] != spaces[1]:
        said = [f"{name} template" if space == "normalised" else space for space, name in spaces]
        sentence = (
            f"The earlier exam is in {said[0]} space and the later in {said[1]} space: measure both in one space."
        )
        yield "refuse", sentence, "space"
    parts = [v.image.body_part for v in (one, other)]
    if None not in parts and parts[0] != parts[1] and set(parts) != {"head", "brain"}:
        yield "refuse", f"The exams show different parts of the body ({parts[0]} and {parts[1]}).", "body_part"
    for name, word in (("modality", "modality"), ("sequence", "sequence"), ("contrast", "contrast")):
        values = [getattr(v.image, name) for v in (one, other)]
        if values[0] != values[1]:
            first, second = (_said(v) for v in values)
            sentence = f"The exams differ in {word} ({first} and {second}): part of the change may come from that."
            yield "flag", sentence, f"{name}_differs"
            break
    spacings = [v.geometry.spacing_mm for v in (one, other)]
    if max(max(a / b, b / a) for a, b in zip(*(sorted(s) for s in spacings), strict=True)) > _SPACING_RATIO:
        shown = " and ".join(" × ".join(f"{v:.2g}" for v in s) for s in spacings)
        sentence = f"The exams have unlike voxels ({shown} mm): part of the change may come from that."
        yield "flag", sentence, "spacing_differs"


def _alike(card: ToolCard, inputs: Mapping[str, tuple[Origin, ...]]) -> _Found:
    for values in (
        inputs[i.name] for i in card.inputs if i.many and is_variable(i.type.structure) and i.name in inputs
    ):
        if len({o.recipe for o in values}) < len(values):
            sentence = "The same method stands here twice, so the two say nothing about how sure it is: name another."
            yield "refuse", sentence, "same_method"
    masks = [inputs[i.name][0] for i in card.inputs if i.type.kind == "Mask" and not i.many and i.name in inputs]
    for first, second in pairwise(masks):
        if first.key == second.key:
            sentence = "This sets a structure against itself, so the answer is known before: name another."
            yield "refuse", sentence, "itself"
        elif "volume_fraction" in card.quantities and first.key in second.parents:
            sentence = (
                "The region is a part of the structure whose share is asked, so the share is 100 % by construction: "
                "swap the two."
            )
            yield "refuse", sentence, "share_turned_round"


def _one_flat_image(card: ToolCard, inputs: Mapping[str, tuple[Origin, ...]]) -> _Found:
    """Two sections, or two photographs, never lie on each other, though they may have as many pixels."""
    together = [o for i in card.inputs if not i.many and i.name in inputs for o in inputs[i.name]]
    flat = {s.pixel_hash for o in together for s in o.scans if not isinstance(s, Volume)}
    if len(flat) > 1:
        sentence = "This step lays what was found on one image over another, and they are different images: use one."
        yield "refuse", sentence, "other_image"


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "with" if value else "without"
    return "not stated" if value is None else str(value)
