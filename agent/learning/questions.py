"""Questions for training with what they ask, from templates and the vocabulary. Seeded; nothing is checked here."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from scanwright.agent.learning import templates as t
from scanwright.agent.learning.noise import varied
from scanwright.agent.learning.words import FOREIGN, LANGUAGES, UNITS, Named, english, foreign
from scanwright.agent.plan.second_method import METHODS
from scanwright.tools.contract.goal import Goal
from scanwright.tools.contract.quantity import Quantity
from scanwright.tools.hashing import sha256_json
from scanwright.tools.vocabulary.structures import PAIRED, STRUCTURES

HELD_OUT_SHARE = 6
"""One template in so many is kept from training."""
_HU = "[hnsf'U]"
_WEIGHTS = {
    "single": 30, "unit": 9, "side": 12, "threshold": 13, "share": 6, "image": 8, "table": 3, "sure": 2, "region": 7,
    "multi": 24, "declined": 16, "unclear": 4,
}  # fmt: skip
_RANGES = ((-1000, -900), (-190, -30), (0, 20), (40, 80), (-150, -50), (300, 700), (130, 400), (60, 110), (900, 2000))
_COMMON = ("brain", "skull", "bone", "head", "soft_tissue", "air_space", "liver", "spleen", "kidney", "lung", "heart")


@dataclass(frozen=True)
class Asked:
    """A question and its gold. goals is empty where no names why not ("diagnosis", …, "unclear")."""

    question: str
    goals: tuple[Goal, ...]
    category: str
    language: str
    templates: tuple[str, ...]
    no: tuple[str, ...] = ()

    @property
    def split(self) -> str | None:
        """ "held_out" where every template is kept from training, "train" where none is, else None."""
        held = {is_held_out(name) for name in self.templates}
        return None if len(held) != 1 else "held_out" if held.pop() else "train"


_Make = Callable[[random.Random, str, Mapping[str, Sequence[str]]], Asked | None]


def is_held_out(template: str) -> bool:
    """True for one template in HELD_OUT_SHARE, by the hash of its text, whatever the seed."""
    return int(sha256_json(template)[:8], 16) % HELD_OUT_SHARE == 0


def questions(seed: int, exemplars: Mapping[str, Sequence[str]] | None = None) -> Iterator[Asked]:
    """Questions without end. exemplars are more sentences for each code of a decline ("unclear": asked back)."""
    rng = random.Random(seed)
    categories, weights = list(_WEIGHTS), list(_WEIGHTS.values())
    while True:
        category = rng.choices(categories, weights)[0]
        language = rng.choices(LANGUAGES, (78, 7, 5, 5, 5))[0]
        asked = _MAKERS[category](rng, language, exemplars or {})
        if asked is not None:
            asked = replace(asked, category=category)
            yield replace(asked, question=varied(asked.question, rng)) if asked.language == "en" else asked


def _single(rng: random.Random, language: str, _: Any, side: str = "whole") -> Asked | None:
    want = rng.choices(
        list(t.OF_STRUCTURE), [14 if w == "volume" else 6 if w == "mean_intensity" else 3 for w in t.OF_STRUCTURE]
    )[0]
    structure = _structure(rng, language, paired=side != "whole")
    if want == "asymmetry_index" and side != "whole":
        want = "volume"
    sentences = t.OF_STRUCTURE[want][language]
    if not sentences:
        return None
    template = rng.choice(sentences)
    named = _named(rng, structure, language, side)
    question = template.format(the=named.the, of=named.of, bare=named.bare)
    goal = Goal(
        want=want, of=structure, side=side if side in ("left", "right") else "whole",
        group="slice" if want == "axial_diameters" else None,
    )  # fmt: skip
    return Asked(
        question[0].upper() + question[1:] if language != "en" else question, (goal,), "", language, (template,)
    )


def _unit(rng: random.Random, language: str, more: Any) -> Asked | None:
    asked = _image(rng, language, more) if rng.random() < 0.1 else _single(rng, language, more)
    units = () if asked is None else t.UNITS_OF.get(asked.goals[0].want, ())
    named = [(u, words) for u in units if (words := UNITS[u][language])]
    if asked is None or not named:
        return None
    unit, words = rng.choice(named)
    return _framed(asked, rng, t.IN_UNIT[language], {"unit": unit}, u=rng.choice(words))


def _side(rng: random.Random, language: str, more: Any) -> Asked | None:
    side = rng.choice(("left", "right", "each"))
    asked = _single(rng, language, more, side)
    if asked is None or side != "each":
        return asked
    if language == "en" and rng.random() < 0.4:
        return (
            replace(asked, question=asked.question.replace("of the ", "of each ", 1), goals=_with(asked, side="each"))
            if "of the " in asked.question
            else None
        )
    return _framed(asked, rng, t.EACH[language], {"side": "each"})


def _threshold(rng: random.Random, language: str, _: Any) -> Asked | None:
    words, params = _range(rng, language)
    if language in t.FOREIGN_RANGE:
        template = t.FOREIGN_RANGE[language][0]
        return Asked(
            template.format(r=words),
            (Goal(want="volume", of="intensity_range", params=params),),
            "",
            language,
            (template,),
        )
    want = rng.choices(list(t.OF_RANGE), (10, 5, 2, 1, 1, 1, 1))[0]
    template = rng.choice(t.OF_RANGE[want])
    region = _structure(rng, "en") if rng.random() < 0.5 else None
    named = None if region is None else _named(rng, region, "en")
    of = "" if named is None else f" {named.of}"
    inside = "" if named is None else f" {rng.choice(('in', 'inside', 'within'))} {named.the}"
    question = template.format(**{"r": words, "of": of, "in": inside})
    return Asked(
        question, (Goal(want=want, of="intensity_range", region=region, params=params),), "", "en", (template,)
    )


def _share(rng: random.Random, _: str, __: Any) -> Asked | None:
    of, region = _structure(rng, "en"), _structure(rng, "en")
    if of == region:
        return None
    a, b = _named(rng, of, "en"), _named(rng, region, "en")
    template = rng.choice(t.SHARE)
    question = template.format(bare=a.bare, the=a.the, of=a.of, the2=b.the, of2=b.of)
    unit = "%" if "percent," in question or question.endswith("in percent?") else None
    return Asked(question, (Goal(want="volume_fraction", of=of, region=region, unit=unit),), "", "en", (template,))


def _image(rng: random.Random, language: str, _: Any) -> Asked | None:
    want = rng.choice(list(t.OF_IMAGE))
    template = rng.choice(t.OF_IMAGE[want][language])
    return Asked(template, (Goal(want=want),), "", language, (template,))


def _table(rng: random.Random, language: str, more: Any) -> Asked | None:
    asked = _single(rng, language, more)
    if asked is None or asked.goals[0].want in ("mask", "overlay", "mask_nifti", "surface_stl"):
        return None
    return _framed(asked, rng, t.TABLE[language], {"output": "table"})


def _sure(rng: random.Random, _: str, __: Any) -> Asked | None:
    template = rng.choice(t.HOW_SURE)
    want, words = rng.choice((("volume", "volume"), ("mean_intensity", "mean HU"), ("surface_area", "surface area")))
    structure = _structure(rng, "en")
    named = _named(rng, structure, "en")
    return Asked(
        template.format(w=words, of=named.of), (Goal(want=want, of=structure, compare=METHODS),), "", "en", (template,)
    )


def _region(rng: random.Random, language: str, _: Any) -> Asked | None:
    want = rng.choice([w for w in t.OF_STRUCTURE if t.OF_STRUCTURE[w][language] and w != "asymmetry_index"])
    template = rng.choice(t.OF_STRUCTURE[want][language])
    word = rng.choice(t.REGION_WORDS)
    whose = rng.choice(("the", "this", "my"))
    named = (
        Named(f"{whose} {word}", f"of {whose} {word}", word) if language == "en" else foreign("given_region", language)
    )
    goal = Goal(want=want, of="given_region", group="slice" if want == "axial_diameters" else None)
    return Asked(template.format(the=named.the, of=named.of, bare=named.bare), (goal,), "", language, (template,))


def _multi(rng: random.Random, language: str, more: Any) -> Asked | None:
    makers: list[_Make] = [_single, _single, _single, _image, _declined]
    parts = [rng.choice(makers[: 5 if i else 4])(rng, language, more) for i in range(rng.choice((2, 2, 2, 3)))]
    known = [p for p in parts if p is not None]
    if len(known) < 2 or len({p.language for p in known}) > 1:
        return None
    question = known[0].question
    for part in known[1:]:
        joint = rng.choice(t.AND[language])
        last = part.question[0].lower() + part.question[1:] if part.question[1:2].islower() else part.question
        question = joint.format(a=question.rstrip("?.") if "Also" not in joint else question, b=last)
    return Asked(
        question,
        sum((p.goals for p in known), ()),
        "",
        language,
        sum((p.templates for p in known), ()),
        sum((p.no for p in known), ()),
    )


def _declined(
    rng: random.Random, language: str, exemplars: Mapping[str, Sequence[str]], code: str | None = None
) -> Asked | None:
    code = code or rng.choice([c for c in t.DECLINED if c != "unclear"])
    own = t.DECLINED[code][language]
    sentences = [*own, *(exemplars.get(code, ()) if language == "en" and rng.random() < 0.5 else ())]
    if not sentences:
        return None
    template = rng.choice(sentences)
    named = _named(rng, _structure(rng, language), language)
    fill = {name: rng.choice(words) for name, words in t.FILL.items()}
    question = template.format(the=named.the, of=named.of, bare=named.bare, **fill) if template in own else template
    return Asked(question, (), "", language, (template,), (code,))


def _unclear(rng: random.Random, language: str, exemplars: Mapping[str, Sequence[str]]) -> Asked | None:
    return _declined(rng, language, exemplars, "unclear")


_MAKERS: dict[str, _Make] = {
    "single": _single, "unit": _unit, "side": _side, "threshold": _threshold, "share": _share, "image": _image,
    "table": _table, "sure": _sure, "region": _region, "multi": _multi, "declined": _declined, "unclear": _unclear,
}  # fmt: skip


def _structure(rng: random.Random, language: str, *, paired: bool = False) -> str:
    if language != "en":
        known = [s for s in FOREIGN if s != "given_region" and (not paired or s in PAIRED or s == "brain")]
        return rng.choice(known)
    if paired:
        return rng.choice(sorted(PAIRED | {"brain", "skull", "head"}))
    if rng.random() < 0.5:
        return rng.choice(_COMMON)
    return rng.choice([s for s in STRUCTURES if s not in ("image", "intensity_range", "given_region")])


def _named(rng: random.Random, structure: str, language: str, side: str = "whole") -> Named:
    if language != "en":
        return foreign(structure, language, side)
    synonyms = STRUCTURES[structure].synonyms or (STRUCTURES[structure].label,)
    return english(synonyms[0] if side != "whole" or rng.random() < 0.5 else rng.choice(synonyms), side)


def _range(rng: random.Random, language: str) -> tuple[str, dict[str, Any]]:
    low, high = rng.choice(_RANGES)
    low, high = low + 5 * rng.randrange(-4, 5), high + 5 * rng.randrange(-4, 5)
    if low >= high:
        low, high = high, low + 50
    hu = rng.choice((" HU", " HU", " Hounsfield units" if language == "en" else " HU", ""))
    kind = rng.choice(("above", "above", "below", "below", "between"))
    if language in t.FOREIGN_RANGE:
        words = t.FOREIGN_RANGE[language][{"above": 1, "below": 2, "between": 3}[kind]]
    else:
        words = rng.choice({"above": t.ABOVE, "below": t.BELOW, "between": t.BETWEEN}[kind])
    unit = _HU if hu else "1"
    params: dict[str, Any] = {}
    if kind != "below":
        params["low"] = Quantity(value=float(low), unit=unit)
    if kind != "above":
        params["high"] = Quantity(value=float(high), unit=unit)
    return words.format(lo=low, hi=high, hu=hu), params


def _framed(asked: Asked, rng: random.Random, frames: Sequence[str], update: dict[str, Any], **words: str) -> Asked:
    frame = rng.choice(frames)
    question = asked.question if frame.endswith("{q}") else asked.question.rstrip("?. ？")
    end = asked.question[-1] if asked.question[-1] in "?." and not frame.endswith("{q}") else ""
    return replace(
        asked, question=frame.format(q=question, **words) + end, goals=_with(asked, **update),
        templates=(*asked.templates,),
    )  # fmt: skip


def _with(asked: Asked, **update: Any) -> tuple[Goal, ...]:
    return tuple(g.model_copy(update=update) for g in asked.goals)
