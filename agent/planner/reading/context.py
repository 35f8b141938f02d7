"""Context: parts of a question complete one another ("volume and surface of the brain", "… and how bright is it?")."""

from __future__ import annotations

import re
from dataclasses import replace

from scanwright.agent.planner.reading.declines import declined
from scanwright.agent.planner.reading.part import Part
from scanwright.agent.planner.reading.units import without_units
from scanwright.agent.planner.reading.wants import INTENSITY, OF_THE_IMAGE, cued_want

# Nothing is named after it, so that it speaks of what was compared.
_EACH = re.compile(
    r"\b(?:each|both|the 2|either)(?: (?:of (?:them|the 2|both)|one|side|alone|separately|by itself))*(?:\W*$|,? in \w+\W*$)"
)

# Of several that were named before, all.
_EACH_ONE = re.compile(r"\b(?:each|both)(?: of them| one)?\W*$")
# "…, both in mL": the unit holds for whatever was asked before it.
_ALL_IN = re.compile(r"\b(?:both|all|each|everything) in\b")


def completed(parts: list[Part]) -> list[Part]:
    """The parts with what they leave out taken from their neighbours; a part that only sets the scene is gone."""
    wanting = _with_wants(parts)
    result = _with_wholes([_with_of(wanting, i) for i in range(len(wanting))])
    kept = [
        (parts[i], p) for i, p in enumerate(result)
        if not (_sets_the_scene(result, i) or _announces(parts[i], parts[i + 1 :]))
    ]  # fmt: skip
    return _of_each([p for _, p in kept], [said for said, _ in kept])


def _of_each(parts: list[Part], said: list[Part]) -> list[Part]:
    """ "How large are the liver and the spleen? How bright is each?": one for each that was asked about before."""
    result: list[Part] = []
    for part, alone in zip(parts, said, strict=True):
        before = dict.fromkeys((p.of, p.side) for p in result if _lends_of(p))
        none_named = alone.of in (None, "image") or alone.defaulted
        if len(before) > 1 and none_named and part.of is not None and _EACH_ONE.search(part.text):
            result += [replace(part, of=of, side=side) for of, side in before]
        else:
            result.append(part)
    return result


def _with_wants(parts: list[Part]) -> list[Part]:
    result = list(parts)
    for i, part in enumerate(parts):
        if part.want is None and (part.of is not None or part.ranged) and declined(part.text) is None:
            earlier = next((p for p in reversed(result[:i]) if _lends_want(p)), None)
            later = next((p for p in parts[i + 1 :] if _lends_want(p) and p.sentence == part.sentence), None)
            donor = earlier or later
            if donor is not None:
                result[i] = part.with_want(donor)
        if part.unit is not None and (cued_want(without_units(part.text)) is None or _ALL_IN.search(part.text)):
            result[:i] = [_with_unit(p, result[i]) for p in result[:i]]
    return result


def _with_unit(part: Part, last: Part) -> Part:
    """ "The volumes of the bone and the skull in mL": the unit at the end of a list holds for all of it."""
    same = part.want == last.want or _ALL_IN.search(last.text) is not None
    shares = same and part.unit is None and part.sentence == last.sentence
    return replace(part, unit=last.unit) if shares else part


def _announces(part: Part, later: list[Part]) -> bool:
    """ "The HU of the bone, mean and SD": the first part says of what, the others say which values."""
    return (
        part.want == "mean_intensity"
        and part.of != "image"
        and re.search(r"\b(?:mean|average)", part.text) is None
        and bool(later)
        and all(p.want in INTENSITY and p.of in (None, "image") and p.sentence == part.sentence for p in later)
    )


def _with_wholes(parts: list[Part]) -> list[Part]:
    """ "Which share of the head is bone, and which is air": the second is a share of the head too."""
    result: list[Part] = []
    for part in parts:
        earlier = next((p for p in reversed(result) if p.want == "volume_fraction"), None)
        if part.want == "volume_fraction" and part.region is None and not part.whole_image and earlier is not None:
            part = replace(part, region=earlier.region)
        result.append(part)
    return result


def _lends_want(part: Part) -> bool:
    return part.want is not None and part.want not in OF_THE_IMAGE


def _with_of(parts: list[Part], i: int) -> Part:
    part = parts[i]
    if part.want is None or part.want in OF_THE_IMAGE or part.whole_image or part.foreign:
        return part
    bare_range = part.ranged and part.region is None and part.pronoun
    generic = part.of == "given_region" and _speaks_of_the_mask(part)
    if not (part.of in (None, "image") or part.defaulted or bare_range or generic):
        return part
    earlier = next((p for p in reversed(parts[:i]) if _lends_of(p)), None)
    if generic:
        return part if earlier is None else replace(part, of=earlier.of, side=earlier.side)
    later = next((p for p in parts[i + 1 :] if _lends_of(p)), None)
    donor = (earlier if part.pronoun or part.sentence > 0 or later is None else later) or earlier or later
    return part if donor is None else _by_sides(part.with_of(donor), donor)


def _by_sides(part: Part, donor: Part) -> Part:
    """ "Which hippocampus is larger, and how large is each?": each side."""
    sides = donor.want == "asymmetry_index" and part.want != "asymmetry_index" and part.side == "whole"
    return replace(part, side="each") if sides and _EACH.search(part.text) else part


def _lends_of(part: Part) -> bool:
    return part.of not in (None, "image") and not part.defaulted


def _speaks_of_the_mask(part: Part) -> bool:
    """ "the mask" after "segment the brain" is the mask of the brain."""
    return "the mask" in part.text or "the segmentation" in part.text or "the outline" in part.text


def _sets_the_scene(parts: list[Part], i: int) -> bool:
    """ "The bone has dense parts." before "What volume of it …": it named the structure, and asks nothing itself."""
    part = parts[i]
    asks = part.want is not None or declined(part.text) is not None
    return not asks and _lends_of(part) and any(p.want is not None for p in parts[i + 1 :])
