"""ExemplarPlanner: plans without a language model. English only, and says so.

Words are read by rules; a sentence encoder over example questions decides where the words do not, and whether a
question is one that this system answers at all. Below a calibrated confidence it asks instead of guessing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scanwright.agent.given import OF_TWO_EXAMS
from scanwright.agent.plan.second_method import METHODS, OVERLAP
from scanwright.agent.plan.studies import StudyView
from scanwright.agent.planner.base import Declined, DeclinedCode, Item, Proposal, Unclear
from scanwright.agent.planner.index import ExemplarIndex, Neighbour, Vote, vote
from scanwright.agent.planner.reading.accounted import contrast_phase, left_out, structure_left_out
from scanwright.agent.planner.reading.beyond import beside, unknown_body_part, unknown_quantity
from scanwright.agent.planner.reading.choices import of_nodes
from scanwright.agent.planner.reading.context import completed
from scanwright.agent.planner.reading.declines import SENTENCES, declined
from scanwright.agent.planner.reading.exams import NOW, PREVIOUS, and_now, dates_marked, exams_said, without
from scanwright.agent.planner.reading.methods import without_methods
from scanwright.agent.planner.reading.normalise import normalise
from scanwright.agent.planner.reading.part import Part, hu_asked_of, read_part
from scanwright.agent.planner.reading.parts import Piece, protect, split
from scanwright.agent.planner.reading.plain import in_words_of, said_plainly
from scanwright.agent.planner.reading.structures import learn, mentions
from scanwright.agent.planner.reading.wants import MEASURES, OF_THE_IMAGE, WEAK, cued_want
from scanwright.agent.planner.reading.wants_flat import on_flat
from scanwright.agent.planner.reading.words import Speller
from scanwright.tools.artifacts import Volume
from scanwright.tools.contract.goal import Goal
from scanwright.tools.contract.quantity import Point
from scanwright.tools.vocabulary.structures import BESIDE

# Calibrated on the 678 questions of the dev and tuning sets (556 of one part with neighbours): where the winning label
# has at least this share of the votes it is right in 85 % (98 % from 0.8 on, 25 to 55 % below 0.6); the likeness of the
# best neighbour alone tells next to nothing (57 % at 0.5, 62 % at 0.7). Below it the planner asks.
SURE = 0.7
# Nothing this unlike every exemplar is about a scan, unless it names a structure or a quantity.
NEAR = 0.35
# A neighbour this near says the same in other words, and needs no vote: right in 178 of 187 such cases of both sets.
SAME = 0.85

_NO_SHARE = "Neither of the two lies in the other, so neither is a share of the other: ask for the volume of each."
_NO_PHASE = "A file does not say in which phase of contrast it was taken: give the series of that phase, and"
_VAGUE = re.compile(
    r"(?:can you |could you |would you )?"
    r"(?:analy[sz]e|evaluate|assess|process|check|quantify|measure|examine|review|interpret|read|study|run|do|start|begin|"
    r"(?:take a |have a )?look at|(?:what|how|tell me) about|help(?: me)?(?: with)?)"
    r"(?: (?:it|this|that|the|my|everything|all|scan|image|study|file|data|case|exam|patient|mri|ct|here|now|for me|"
    r"quickly))*"
)
# Where a verb of showing stands beside one of these, the question may be about either.
_QUANTITIES = {"volume", "mean_intensity"}
# Where a measure that is ever given of one structure is asked of the person's own outline of it.
_OF_ANY_OUTLINE = {"cardiothoracic_ratio": "heart", "cardiothoracic_picture": "heart"}
# Of a volume or a photograph, and of a slide.
_PIXEL_SIZE = ("spacing", "pixel_size")
_RANKED = re.compile(r"\bpercentiles?\b|\bcentiles?\b")
# Words that judge what is measured.
_JUDGED = re.compile(r"\b(?:patholog|abnormal|anomal|suspicious|unusual|inflam|infect)\w*|\bwrong\b")
_TABLE = re.compile(r"\b(?:table|csv|spreadsheet|excel|xlsx)s?\b")


class ExemplarPlanner:
    """One interface with the planners that use a model; deterministic."""

    name = "exemplar (offline, English)"

    def __init__(self, index: ExemplarIndex, speller: Speller) -> None:
        self._index, self._speller = index, speller
        learn(index.structures)

    @property
    def index(self) -> ExemplarIndex:
        """The example questions that it looks at."""
        return self._index

    def words(self, question: str, studies: Sequence[StudyView]) -> tuple[str, bool]:
        """The question as it is to be split, in plain lower case; True where it asks for every method."""
        asked, by_methods = without_methods(normalise(question, self._speller))
        return protect(said_plainly(_in_words_of(studies, dates_marked(asked)))), by_methods

    def parts(self, text: str, studies: Sequence[StudyView]) -> list[Part]:
        """What each part of a text (of `words`) says by itself; what a measure is ever given of is filled in."""
        has_mask = bool(studies) and studies[0].mask is not None
        pieces = split(text) or [Piece(text)]
        read = [
            replace(read_part(p, has_mask=has_mask), exam=exam, compared=compared)
            for each in pieces
            for p, exam, compared in _by_exam(each)
        ]
        return [self._of_what(p) if p.want in MEASURES else p for p in read]

    def only_of(self, want: str) -> str | None:
        """The one structure that want is ever given of, or None."""
        return self._index.only_of(want)

    def propose(self, question: str, studies: Sequence[StudyView]) -> Proposal:
        """The goals of a question, part by part, with what is declined or unclear."""
        text, by_methods = self.words(question, studies)
        read = self.parts(text, studies)
        parts = completed(read)
        table = _TABLE.search(text) is not None
        found = [self._item(part, studies, table=table) for part in parts]
        wanting = {p.text for p in read if p.want is None}
        items: list[Item] = []
        remarks: list[Item] = []
        confidence = 1.0
        for part, (item, sure) in zip(parts, found, strict=True):
            asked_back = False
            if isinstance(item, Goal):
                others = [i for i, _ in found if isinstance(i, Goal)]
                item = _accounted(part, item, others, inherited=part.text in wanting)
                asked_back = isinstance(item, Unclear)
            if isinstance(item, Goal) and by_methods and _has_methods(item):
                item = item.model_copy(update={"compare": METHODS})
            if isinstance(item, Goal) and of_nodes(item.want, question):
                item = item.model_copy(update={"params": {**item.params, "nodes": "yes"}})
            said = items if part.cues or not isinstance(item, Unclear) or asked_back else remarks
            if item not in said:
                said.append(item)
            confidence = min(confidence, sure)
        # Vague remarks beside real goals are dropped; a question of vague remarks alone is asked about once.
        return Proposal(tuple(items or remarks[:1]), self.name, confidence)

    def _item(self, part: Part, studies: Sequence[StudyView], *, table: bool) -> tuple[Item, float]:
        if _VAGUE.fullmatch(part.text.strip(" .!?")):
            return _unclear(part.text, self._index.nearest(part.text)), 1.0
        phase = contrast_phase(part.text)
        if phase is not None and part.complete:
            return Unclear(part.text, f"{_NO_PHASE} leave out the {phase}."), 1.0
        named = self._index.named(part.text)
        if named is not None:
            part = replace(part, want=named)
        part = _as_imaged(self._of_what(part), studies)
        if part.want == "volume_fraction" and any({part.of, part.region} <= group for group in BESIDE):
            return Unclear(part.text, _NO_SHARE), 1.0
        beyond = None if named is not None else _beyond(part, studies)
        if beyond is not None:
            return beyond, 1.0
        if part.want in ("mask", "overlay") and _QUANTITIES & {*part.cues} and not part.foreign:
            part = replace(part, want=self._preferred(part))
        if _is_clear(part):
            return self._goal(part, studies, table=table), 0.95
        return self._by_meaning(part, studies, table=table)

    def _of_what(self, part: Part) -> Part:
        """The part with the structure that its want is ever given of, where there is one; label maps by meaning."""
        if part.want == "labelmap":
            return replace(part, of=self._index.label_scheme(part.text), side="whole", region=None)
        only = None if part.want is None else self._index.only_of(part.want)
        if part.want in _OF_ANY_OUTLINE:
            only = part.of if part.of == "given_region" else _OF_ANY_OUTLINE[part.want]
        return part if only is None else replace(part, of=only, defaulted=False)

    def _preferred(self, part: Part) -> str | None:
        """Of the wants that the words name, the one that most neighbours vote for: "find the volume" is no mask."""
        near = [n for n in self._index.nearest(part.text, 20) if n.label in part.cues]
        return vote(near).label if near else part.want

    def _by_meaning(self, part: Part, studies: Sequence[StudyView], *, table: bool) -> tuple[Item, float]:
        near = self._index.nearest(part.text)
        winner = Vote(near[0].label, near[0].declines, near[0].score, 1.0) if near[0].score >= SAME else vote(near)
        sure = winner.score >= NEAR and winner.share >= SURE
        if near[0].score < NEAR and (part.foreign or not _of_the_field(part)):
            return _decline(part.text, "off_topic"), 1.0
        if (
            winner.declines
            and winner.label != "ambiguous"
            and not (part.complete and not (part.foreign or part.doubtful))
        ):
            return _decline(part.text, winner.label), winner.score  # type: ignore[arg-type]
        if part.doubtful:
            return _unclear(part.text, near), 0.5
        if part.foreign:
            return _decline(part.text, "no_tool"), 0.8
        if part.complete:
            return self._goal(part, studies, table=table), 0.8
        if winner.declines or not sure:
            return _unclear(part.text, near), winner.score
        guess = part if part.want is not None and winner.label not in OF_THE_IMAGE else replace(part, want=winner.label)
        guess = self._of_what(guess)
        if guess.want in OF_THE_IMAGE:
            guess = replace(guess, of="image", side="whole", region=None)
        if guess.complete:
            return self._goal(guess, studies, table=table), winner.score
        return _unclear(part.text, near), winner.score

    def _goal(self, part: Part, studies: Sequence[StudyView], *, table: bool) -> Goal:
        want, side, params = part.want or "", part.side, part.params
        of = part.of or "image"
        region = part.region if part.region != "image" else None
        if want == "asymmetry_index" and self._index.has_own_sides(of) and "symmetr" not in part.text:
            want, side = "volume", "each"  # "which lung is larger"
        if want in MEASURES or (region == "given_region" and self._index.in_given_region(want, of)):
            region = None
        if part.level_mm is not None and studies:
            params = {**params, "at": _middle_of_slice(studies[0], part.level_mm)}
        unit = part.unit
        if studies:
            unit = unit or hu_asked_of(part, studies[0].image().image.unit)
        return Goal(
            want=want,
            of=of,
            side=side,
            region=region,
            params=params,
            group="slice" if want == "axial_diameters" else None,
            unit=unit,
            output="table" if table and want != "table_csv" else None,
            time=None if part.exam == NOW else part.exam,
            compare=part.compared,
        )


def _by_exam(piece: Piece) -> list[tuple[Piece, str | None, str | None]]:
    """A piece without the words that name an exam, with the exam it is asked of and the one it is compared with."""
    said = exams_said(piece.text)
    if not said:
        return [(piece, None, None)]
    changed = "changed " if re.search(r"\bcompar", piece.text) and without(piece.text, said) == "" else ""
    text = without(piece.text, said, put=f"{changed}since the previous exam")
    of_two = cued_want(text) in OF_TWO_EXAMS
    codes = [e.code for e in said if e.comparing or len(said) == 1]
    if of_two and all(e.code == PREVIOUS for e in said) and not changed:
        # The exam before is what is compared with where nothing else is said.
        return [(piece, None, None)]
    if of_two and codes:
        then = next((e.code for e in said if e.code != codes[0]), None)
        compared = None if codes[0] == PREVIOUS else codes[0]
        return [(replace(piece, text=text), then, compared)]
    rest = without(piece.text, said)
    at = next((e.code for e in said if not e.comparing), None)
    compared = next((e.code for e in said if e.comparing), None)
    before_now = and_now(rest)
    if before_now is not None and at is not None:
        return [(replace(piece, text=before_now), at, None), (replace(piece, text=before_now), NOW, None)]
    return [(replace(piece, text=rest), at, compared)]


def _accounted(part: Part, goal: Goal, others: Sequence[Goal], *, inherited: bool) -> Item:
    """The goal, where it carries what its part of the question names; else a question back, or a refusal."""
    if goal.want not in (*MEASURES, *OF_THE_IMAGE) and unknown_quantity(part.text) is not None:
        return _decline(part.text, "no_tool")
    word = left_out(part.text, goal, inherited=inherited) or structure_left_out(part.text, goal, others)
    if word is None:
        return goal
    sentence = f'The question says "{word}", and what can be measured here would not take that in'
    if goal.want == "longest_diameter":
        name = goal.of.replace("_", " ")
        return Unclear(
            part.text,
            f"{sentence}: ask for the box around it (right to left, front to back, top to bottom) or the longest line.",
            (f"box around the {name}", f"longest diameter of the {name}"),
        )
    return Unclear(part.text, f"{sentence}: leave it out, or say it in another way.")


def _has_methods(goal: Goal) -> bool:
    """True where an outline is measured; a change between exams has its own range."""
    return goal.of != "image" and goal.want not in (*OF_THE_IMAGE, *OF_TWO_EXAMS, OVERLAP)


def _middle_of_slice(study: StudyView, z_mm: float) -> Point:
    """The point at that height above the middle of the scan (RAS+ mm)."""
    image = study.image()
    if not isinstance(image, Volume):
        return Point(x=0, y=0, z=z_mm)
    geometry = image.geometry
    x, y, _ = geometry.matrix[:3, :3] @ ((np.array(geometry.shape) - 1) / 2) + geometry.matrix[:3, 3]
    return Point(x=round(float(x), 3), y=round(float(y), 3), z=z_mm)


def _in_words_of(studies: Sequence[StudyView], text: str) -> str:
    if not studies:
        return text
    image = studies[0].image()
    return in_words_of(image.image.body_part or "", text, image.image.modality or "")


def _as_imaged(part: Part, studies: Sequence[StudyView]) -> Part:
    """The part with the want that its word means where that is imaged: the size of a pixel, of nuclei, of tissue."""
    want = on_flat(part.of, part.want, part.text)
    if studies and want in _PIXEL_SIZE:
        want = _PIXEL_SIZE[studies[0].image().image.modality == "SM"]
    if want == part.want:
        return part
    # The share of all tissue is one of the whole slide, and a density has no unit of its own.
    return replace(part, want=want, region=None, unit=None if want == "nuclei_density" else part.unit)


def _is_clear(part: Part) -> bool:
    """True where the words alone say what is wanted, and of what."""
    if not part.complete or part.foreign or part.doubtful:
        return False
    return part.of != "image" or part.want in OF_THE_IMAGE or part.want not in WEAK


def _beyond(part: Part, studies: Sequence[StudyView]) -> Declined | None:
    """Why a part is not for this system, as far as its words say so."""
    code = declined(part.text)
    if code == "not_assessed" and (_is_measure(part) or _measures_what_is_found(part)):
        code = None
    if part.want in MEASURES and _RANKED.search(part.text):
        code = "normative"
    if code is not None:
        return _decline(part.text, code)
    if beside(part.text) is not None:
        return _decline(part.text, "no_tool")
    if (part.of == "given_region" and part.want is not None) or part.want in (*OF_THE_IMAGE, *MEASURES, "labelmap"):
        return None
    scanned = studies[0].image().image.body_part if studies else None
    unknown = unknown_body_part(part.text, scanned) or unknown_quantity(part.text)
    return None if unknown is None else _decline(part.text, "no_tool")


def _is_measure(part: Part) -> bool:
    """ "How high is the uptake of the tumour?" measures; "is the uptake pathological?" asks for a finding."""
    return part.want in MEASURES and _JUDGED.search(part.text) is None


def _measures_what_is_found(part: Part) -> bool:
    """ "How large is the tumour?" measures; "how much of the bone is broken?" asks for a finding."""
    if part.of == "given_region":
        return part.want not in ("overlay", "mask") or not re.search(r"\b(?:any|an?) (?:\w+ )?lesions?\b", part.text)
    if not part.complete or part.want in ("overlay", "mask") or part.of == "image":
        return False
    text = part.text
    for mention in reversed(mentions(text)):
        text = f"{text[: mention.start]}…{text[mention.end :]}"
    return declined(text) != "not_assessed"


def _decline(asked: str, code: DeclinedCode) -> Declined:
    return Declined(asked, code, SENTENCES[code])


def _unclear(asked: str, near: Sequence[Neighbour]) -> Unclear:
    offers = tuple(dict.fromkeys(n.text for n in near if not n.declines))[:3]
    return Unclear(asked, "It is not clear what is wanted: say what to measure, and of what.", offers)


def _of_the_field(part: Part) -> bool:
    return part.of is not None or part.whole_image or part.want not in (None, *WEAK)
