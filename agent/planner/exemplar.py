"""ExemplarPlanner: plans without a language model. English only, and says so.

Words are read by rules; a sentence encoder over the cards' example questions decides where the words do not, and
whether a question is one that this system answers at all. Below a calibrated confidence it asks instead of guessing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from scanwright.agent.plan.studies import StudyView
from scanwright.agent.planner.base import Declined, DeclinedCode, Item, Proposal, Unclear
from scanwright.agent.planner.index import ExemplarIndex, Neighbour
from scanwright.agent.planner.reading.declines import SENTENCES, declined
from scanwright.agent.planner.reading.normalise import normalise
from scanwright.agent.planner.reading.part import Part, hu_asked_of, read_part
from scanwright.agent.planner.reading.parts import protect, split
from scanwright.agent.planner.reading.wants import OF_THE_IMAGE, WEAK
from scanwright.agent.planner.reading.words import Speller
from scanwright.tools.contract.goal import Goal

# Calibrated on the tuning half of evals/planning: below it a neighbour's label is right in fewer than four of five.
SURE = 0.62
NEAR = 0.35


_VAGUE = re.compile(
    r"(?:can you |could you |would you )?(?:analy[sz]e|evaluate|assess|process|check|quantify|measure|examine|review|interpret|read|study|look at|do|help(?: me)?(?: with)?)"
    r"(?: (?:it|this|that|the|my|everything|all|scan|image|study|file|data|case|exam|patient|mri|ct|here|now|for me|quickly))*"
)


class ExemplarPlanner:
    """One interface with the planners that use a model; deterministic."""

    name = "exemplar (offline, English)"

    def __init__(self, index: ExemplarIndex, speller: Speller) -> None:
        self._index, self._speller = index, speller

    def propose(self, question: str, studies: Sequence[StudyView]) -> Proposal:
        """The goals of a question, part by part, with what is declined or unclear."""
        text = normalise(question, self._speller)
        has_mask = bool(studies) and studies[0].mask is not None
        texts = split(protect(text)) or [text]
        parts = _share_between([read_part(t, has_mask=has_mask) for t in texts])
        table = re.search(r"\b(?:table|csv|spreadsheet|excel|xlsx)s?\b", text) is not None
        items: list[Item] = []
        confidence = 1.0
        for part in parts:
            item, sure = self._item(part, studies, table=table)
            confidence = min(confidence, sure)
            if item is not None and item not in items:
                items.append(item)
        return Proposal(tuple(_settled(items)), self.name, confidence)

    def _item(self, part: Part, studies: Sequence[StudyView], *, table: bool) -> tuple[Item | None, float]:
        code = declined(part.text)
        if _VAGUE.fullmatch(part.text.strip(" .!?")):
            return _unclear(part.text, self._index.nearest(part.text)), 1.0
        measures = part.complete and part.want not in ("overlay", "mask") and part.of != "image"
        if code is not None and not (code == "not_assessed" and (measures or part.of == "given_region")):
            return _decline(part.text, code), 1.0
        if part.complete and not (part.want in WEAK and part.of == "image" and part.want not in OF_THE_IMAGE):
            return self._goal(part, studies, table=table), 0.95
        return self._by_meaning(part, studies, table=table)

    def _by_meaning(self, part: Part, studies: Sequence[StudyView], *, table: bool) -> tuple[Item | None, float]:
        near = self._index.nearest(part.text)
        best = near[0]
        if best.score < NEAR:
            return (
                (_unclear(part.text, near), best.score)
                if _of_the_field(part)
                else (_decline(part.text, "off_topic"), 1.0)
            )
        if best.declines and best.label != "ambiguous" and not (part.complete and best.score < SURE):
            return _decline(part.text, best.label), best.score  # type: ignore[arg-type]
        if part.complete:
            return self._goal(part, studies, table=table), 0.8
        if best.label == "ambiguous" or best.score < SURE:
            return _unclear(part.text, near), best.score
        guess = part if part.want is not None else replace(part, want=best.label)
        if guess.want in OF_THE_IMAGE:
            guess = replace(guess, of="image")
        if guess.complete:
            return self._goal(guess, studies, table=table), best.score
        return _unclear(part.text, near), best.score

    def _goal(self, part: Part, studies: Sequence[StudyView], *, table: bool) -> Goal:
        want = part.want or ""
        unit = part.unit
        if studies:
            unit = unit or hu_asked_of(part, studies[0].volume().image.unit)
        return Goal(
            want=want,
            of=part.of or "image",
            side=part.side,
            region=part.region if part.region != "image" else None,
            params=part.params,
            group="slice" if want == "axial_diameters" else None,
            unit=unit,
            output="table" if table else None,
        )


def _share_between(parts: list[Part]) -> list[Part]:
    """Parts that leave something out take it from their neighbours: "volume and surface of the brain"."""
    result = list(parts)
    for i, part in enumerate(result):
        if part.want is None and part.of is not None and declined(part.text) is None:
            earlier = next((p for p in reversed(result[:i]) if p.want is not None and p.want not in OF_THE_IMAGE), None)
            later = next((p for p in parts[i + 1 :] if p.want is not None and p.want not in OF_THE_IMAGE), None)
            donor = earlier or later
            if donor is not None:
                result[i] = part.with_want(donor)
    for i, part in enumerate(result):
        if part.want is None or part.want in OF_THE_IMAGE or part.of not in (None, "image") or part.whole_image:
            continue
        later = next((p for p in result[i + 1 :] if p.of not in (None, "image")), None)
        earlier = next((p for p in reversed(result[:i]) if p.of not in (None, "image")), None)
        donor = (earlier if part.pronoun or later is None else later) or earlier or later
        if donor is not None:
            result[i] = part.with_of(donor)
    return result


def _settled(items: list[Item]) -> list[Item]:
    """Vague remarks beside real goals are dropped; a question of vague remarks alone is asked about once."""
    clear: list[Item] = [i for i in items if not isinstance(i, Unclear)]
    return clear or items[:1]


def _decline(asked: str, code: DeclinedCode) -> Declined:
    return Declined(asked, code, SENTENCES[code])


def _unclear(asked: str, near: Sequence[Neighbour]) -> Unclear:
    offers = tuple(dict.fromkeys(n.text for n in near if not n.declines))[:3]
    return Unclear(asked, "It is not clear what is wanted: say what to measure, and of what.", offers)


def _of_the_field(part: Part) -> bool:
    return part.of is not None or part.whole_image or part.want not in (None, *WEAK)
