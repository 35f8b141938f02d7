"""Training data: questions whose goals the compiler can plan, with the form that says exactly these goals."""

from __future__ import annotations

import json
import os
import random
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from scanwright.agent.learning.compact import choices_of, compact, expand, messages
from scanwright.agent.learning.questions import Asked, questions
from scanwright.agent.learning.scenes import SCENES, is_volume, scene
from scanwright.agent.plan.compiler import Compiler
from scanwright.agent.plan.studies import StudyView
from scanwright.agent.planner.base import Declined, Item, Unclear
from scanwright.agent.planner.model.form import DECLINES, FormWrong, filled
from scanwright.agent.planner.reading.declines import SENTENCES
from scanwright.tools.contract.goal import Goal
from scanwright.tools.hashing import sha256_json
from scanwright.tools.registry import Registry

FITTING_SHARE = 0.75
"""So many questions stand on a scene where they can be answered; the others must be read in the same way."""
_EACH_WANT_AT_MOST = 0.25


@dataclass(frozen=True)
class Row:
    """One example: the chat without its answer, the answer (compact form), and where both come from.

    split is "train" or "held_out" (templates that are never trained on); source "template", "card" or "home".
    """

    question: str
    form: dict[str, Any]
    scene: str
    messages: list[dict[str, str]]
    category: str
    language: str
    split: str
    source: str = "template"
    mask: bool = False
    point: bool = False

    def json(self) -> str:
        """The row as a line of a file."""
        return json.dumps(self.__dict__, ensure_ascii=False, separators=(",", ":"))


@dataclass
class Maker:
    """Makes rows over one registry. taken holds the hashes of questions that must not appear (evaluation sets)."""

    registry: Registry
    seed: int
    taken: Collection[str] = ()
    exemplars: Mapping[str, Sequence[str]] = field(default_factory=dict)
    dropped: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.choices = choices_of(self.registry)
        self._compiler = Compiler(self.registry, pictures=False)
        self._fits: dict[str, tuple[str, ...]] = {}
        self._seen = set(self.taken)
        self._rng = random.Random(self.seed + 1)

    def rows(self, count: int) -> list[Row]:
        """count rows, no question twice, in an order that the seed says; about six seconds a thousand."""
        found: list[Row] = []
        wants: Counter[str] = Counter()
        for asked in questions(self.seed, self.exemplars):
            first = asked.goals[0].want if asked.goals else asked.no[0]
            if wants[first] > max(20, _EACH_WANT_AT_MOST * len(found)):
                continue
            row = self.row(asked)
            if row is not None:
                found.append(row)
                wants[first] += 1
            if len(found) == count:
                return found
        raise AssertionError("the questions have no end")

    def row(self, asked: Asked, *, source: str = "template", on: str | None = None) -> Row | None:
        """The row of one question, or None: the reason is counted in dropped."""
        split, known = asked.split, fingerprint(asked.question)
        if split is None:
            self.dropped["mixes templates of both splits"] += 1
            return None
        if known in self._seen:
            self.dropped["asked already, or in an evaluation set"] += 1
            return None
        fitting = self._common(asked.goals)
        if not fitting:
            self.dropped["does not compile on any scene"] += 1
            return None
        name = on or self._rng.choice(fitting if self._rng.random() < FITTING_SHARE else SCENES)
        regional = any("given_region" in (g.of, g.region) for g in asked.goals)
        mask = is_volume(name) and self._rng.random() < (0.8 if regional else 0.1)
        point = is_volume(name) and self._rng.random() < (
            0.8 if any(g.want == "intensity_at_point" for g in asked.goals) else 0.1
        )
        view = scene(name, mask=mask, point=point)
        form = said(self, asked)
        if form is None:
            self.dropped["its form does not say its goals"] += 1
            return None
        self._seen.add(known)
        chat = messages(asked.question, [view], self.choices)
        return Row(
            asked.question, form, name, chat, asked.category, asked.language, split, source, mask, point
        )  # fmt: skip

    def view(self, row: Row | Mapping[str, Any]) -> StudyView:
        """The scene of a row."""
        of = row.__dict__ if isinstance(row, Row) else row
        return scene(of["scene"], mask=of["mask"], point=of["point"])

    def compiles(self, goals: Sequence[Goal], studies: Sequence[StudyView]) -> bool:
        """True where every goal is planned on these studies, weights there or not."""
        plan = self._compiler.compile(goals, studies)
        return all(g.status == "planned" for g in plan.goals)

    def _common(self, goals: Sequence[Goal]) -> tuple[str, ...]:
        """The scenes on which all goals compile; every scene where there is none to compile."""
        fitting = [self._fitting(g) for g in goals]
        if any(not f for f in fitting):
            return ()
        return tuple(s for s in SCENES if all(s in f for f in fitting)) or (fitting[0] if fitting else SCENES)

    def _fitting(self, goal: Goal) -> tuple[str, ...]:
        key = goal.canonical()
        if key not in self._fits:
            self._fits[key] = tuple(
                s for s in SCENES if self.compiles([goal], [scene(s, mask=is_volume(s), point=is_volume(s))])
            )
        return self._fits[key]


def said(maker: Maker, asked: Asked) -> dict[str, Any] | None:
    """The compact form of a question, where it says these goals and no others when it is read back; else None."""
    items: list[Item] = [*asked.goals, *(_item(asked.question, code) for code in asked.no)]
    form = filled(items)
    if form is None:
        return None
    short = compact(form)
    try:
        read = maker.choices.read(expand(short), asked.question)
    except FormWrong:
        return None
    goals = tuple(i for i in read if isinstance(i, Goal))
    codes = tuple(i.code if isinstance(i, Declined) else "unclear" for i in read if not isinstance(i, Goal))
    return short if goals == asked.goals and codes == asked.no else None


def fingerprint(question: str) -> str:
    """A hash of the question's letters and digits, whatever their case, accents and punctuation."""
    plain = unicodedata.normalize("NFKD", question.casefold())
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    signed = re.sub(r"(?<!\w)[-−–](?=\d)", " minus ", plain)
    return sha256_json(" ".join(re.findall(r"\w+", signed)))


def exemplars() -> dict[str, list[str]]:
    """The offline planner's own examples of what is declined, by code; "unclear" for what is asked back."""
    file = files("scanwright.agent.planner").joinpath("exemplars.json")
    own: dict[str, list[str]] = json.loads(file.read_text("utf-8"))["declines"]
    return {"unclear" if code == "ambiguous" else code: texts for code, texts in own.items()}


def card_questions(registry: Registry, read: Any, least: float = 0.9) -> Iterator[Asked]:
    """The tool cards' example questions with what the offline planner reads in them, where it is sure.

    read(question) is a Proposal.
    """
    for tool in registry:
        for example in tool.card.examples:
            proposal = read(example)
            goals = proposal.goals
            known = goals and len(goals) == len(proposal.items) and proposal.confidence >= least
            if known and any(g.want in tool.card.quantities for g in goals):
                yield Asked(example, goals, "card", "en", (example,))


def write(
    rows: Sequence[Row], path: Path, *, seed: int, registry: Registry, dropped: Mapping[str, int]
) -> dict[str, Any]:
    """Writes the rows and beside them a manifest (PATH with .manifest.json), which it returns. Whole or not at all."""
    lines = "".join(f"{row.json()}\n" for row in rows)
    manifest = {
        "rows": len(rows),
        "seed": seed,
        "registry": registry_hash(registry),
        "sha256": sha256_json(lines),
        "split": dict(Counter(r.split for r in rows)),
        "category": dict(sorted(Counter(r.category for r in rows).items())),
        "language": dict(sorted(Counter(r.language for r in rows).items())),
        "source": dict(sorted(Counter(r.source for r in rows).items())),
        "dropped": dict(dropped),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    for target, text in ((path, lines), (manifest_path(path), json.dumps(manifest, indent=1) + "\n")):
        partial = target.with_name(f"{target.name}.partial")
        partial.write_text(text, "utf-8")
        os.replace(partial, target)
    return manifest


def manifest_path(path: Path) -> Path:
    """Where the manifest of a data file lies."""
    return path.with_name(f"{path.stem}.manifest.json")


def registry_hash(registry: Registry) -> str:
    """A hash of every card: data made with other tools says other things."""
    return sha256_json([t.card.model_dump(mode="json") for t in sorted(registry, key=lambda t: t.card.id)])


def load(path: Path, split: str | None = None) -> list[Row]:
    """The rows of a file, all or one split."""
    rows: Iterable[dict[str, Any]] = map(json.loads, path.read_text("utf-8").splitlines())
    return [Row(**row) for row in rows if split in (None, row["split"])]


def _item(question: str, code: str) -> Item:
    if code in DECLINES:
        return Declined(question, code, SENTENCES[code])
    return Unclear(question, "")
