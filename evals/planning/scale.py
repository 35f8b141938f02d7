"""Does planning stay as short and as right with 1,000 tools as with 50? `scanwright eval planning-scale`.

The tools beyond the real ones are generated: typed functions with cards, example questions, near misses and conditions
of use, over invented quantities and both real and invented structures. None is ever run.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from math import comb
from pathlib import Path
from typing import Annotated, Any

from scanwright.agent.plan.studies import StudyView
from scanwright.agent.planner.exemplar import ExemplarPlanner
from scanwright.agent.planner.index import Encode, ExemplarIndex
from scanwright.agent.planner.model.prompt import write_prompt
from scanwright.agent.planner.reading.words import Speller
from scanwright.evals.planning.run import questions
from scanwright.evals.planning.studies import study
from scanwright.memory.vectors import VectorStore
from scanwright.tools.artifacts import Mask, Measurement, Volume
from scanwright.tools.contract.conditions import BodyPartIs, ModalityIs
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import Tool, tool
from scanwright.tools.contract.goal import Goal
from scanwright.tools.contract.types import Of
from scanwright.tools.registry import Registry, load_registry

SIZES = (50, 110, 300, 1000)
SPLITS = ("dev", "tuning", "growth", "eyes_dev")
_FIRST = (
    "cor",
    "vel",
    "tar",
    "mon",
    "zel",
    "bri",
    "dax",
    "fen",
    "gol",
    "hab",
    "jun",
    "kel",
    "lor",
    "mir",
    "nov",
    "pax",
)
_SECOND = ("vex", "mand", "dine", "quil", "bren", "stel", "tova", "rask", "lume", "fyne", "dorn", "welt")
_KINDS = ("index", "score", "ratio", "grade", "gradient", "burden")
_REAL = (
    "liver", "spleen", "kidney", "pancreas", "heart", "aorta", "lung", "brain", "hippocampus", "thalamus", "skull",
    "bladder", "prostate", "muscle", "colon", "stomach",
)  # fmt: skip
_SCANS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("CT", ("chest", "abdomen")), ("MR", ("head", "brain")), ("CT", ("head",)), ("PT", ("wholebody",)),
    ("MR", ("knee",)),
)  # fmt: skip


def generated(count: int, seed: int = 7) -> list[Tool[..., Any]]:
    """So many tools: every fourth outlines a structure of its own, the others give a quantity of their own."""
    draw = random.Random(seed)
    names = [f"{a}{b}" for a, b in itertools.product(_FIRST, _SECOND)]
    draw.shuffle(names)
    organs = [f"{name}_{noun}" for noun in ("gland", "plexus") for name in names]
    quantities = [f"{name}_{kind}" for kind in _KINDS for name in names]
    made: list[Tool[..., Any]] = []
    for number in range(count):
        modality, parts = _SCANS[draw.randrange(len(_SCANS))]
        if number % 4 == 3:
            made.append(_outline(organs[number // 4], modality, parts))
            continue
        # Every third quantity is of a structure that a generated tool outlines, the others of a real one.
        of = organs[draw.randrange(max(number // 4, 1))] if number % 3 == 0 and number > 3 else draw.choice(_REAL)
        made.append(_measure(quantities[number - number // 4], of, modality, parts))
    return made


def _made(name: str, doc: str, kinds: dict[str, Any], **card: Any) -> Tool[..., Any]:
    def run(*_: Any, **__: Any) -> Any:  # pragma: no cover - a generated tool is only planned
        raise NotImplementedError

    run.__name__ = run.__qualname__ = name
    run.__doc__ = doc
    run.__annotations__ = {"ctx": ToolContext, **kinds}
    run.__signature__ = _signature(run.__annotations__)  # type: ignore[attr-defined]
    return tool(reference="Generated for a measurement of the planner.", **card)(run)


def _signature(kinds: dict[str, Any]) -> Any:
    import inspect

    names = [n for n in kinds if n != "return"]
    one = inspect.Parameter.POSITIONAL_OR_KEYWORD
    given = [inspect.Parameter(n, one, annotation=kinds[n]) for n in names]
    return inspect.Signature(given, return_annotation=kinds["return"])


def _measure(quantity: str, of: str, modality: str, parts: tuple[str, ...]) -> Tool[..., Any]:
    word, name = quantity.replace("_", " "), of.replace("_", " ")
    gives = Annotated[Measurement, Of(of, side="whole", quantity=quantity)]
    return _made(
        quantity,
        f"{word.capitalize()} of the {name} on {modality}.",
        {"volume": Annotated[Volume, Of()], "mask": Annotated[Mask, Of(of, side="whole")], "return": gives},
        examples=(f"What is the {word} of the {name}?", f"How high is the {word} here?"),
        near_misses=(f"How large is the {name}? (mask_volume)",),
        when=(ModalityIs(one_of=(modality,)), BodyPartIs(one_of=parts)),
    )


def _outline(structure: str, modality: str, parts: tuple[str, ...]) -> Tool[..., Any]:
    name = structure.replace("_", " ")
    gives = Annotated[Mask, Of(structure, side="whole")]
    return _made(
        f"{structure}_outline",
        f"Mask of the {name} on {modality}.",
        {"volume": Annotated[Volume, Of()], "return": gives},
        examples=(f"Segment the {name}.", f"Where is the {name}?"),
        near_misses=(f"How large is the {name}? (mask_volume)",),
        when=(ModalityIs(one_of=(modality,)), BodyPartIs(one_of=parts)),
    )


def registry_of(size: int) -> Registry:
    """The real tools, and generated ones up to size; below their number, those of them that most questions need."""
    real = load_registry()
    if size >= len(real):
        return Registry([*real, *generated(size - len(real))])
    asked: dict[str, int] = {}
    for question in (q for split in SPLITS for q in questions(split)):
        for goal in question["expect"]["goals"]:
            asked[goal["want"]] = asked.get(goal["want"], 0) + 1
    ranked = sorted(real, key=lambda t: (-max(asked.get(q, 0) for q in t.card.quantities or ("",)), t.card.id))
    return Registry(ranked[:size])


def asked_of(tools: Sequence[Tool[..., Any]], count: int, seed: int = 11) -> Iterator[tuple[str, Goal | None]]:
    """Questions about generated quantities with their goals, and near misses: names that no tool has, without one."""
    measures = [t for t in tools if t.card.output.kind == "Measurement"]
    known = {q for t in measures for q in t.card.quantities}
    draw = random.Random(seed)
    for each in draw.sample(measures, min(count, len(measures))):
        (quantity,), of = each.card.quantities, str(each.card.output.structure)
        yield f"Please give the {quantity.replace('_', ' ')} of the {of.replace('_', ' ')}.", Goal(want=quantity, of=of)
        first, kind = quantity.split("_")
        wrong = (
            next(f"{first}_{k}" for k in _KINDS if k != kind and f"{first}_{k}" not in known)
            if len({f"{first}_{k}" for k in _KINDS} - known)
            else None
        )
        if wrong is not None:
            yield f"Please give the {wrong.replace('_', ' ')} of the {of.replace('_', ' ')}.", None


def mcnemar(only_first: int, only_second: int) -> float:
    """The exact two-sided p of a paired comparison: how often only the one, and only the other, was right."""
    n, k = only_first + only_second, min(only_first, only_second)
    return min(1.0, 2 * sum(comb(n, i) for i in range(k + 1)) / 2**n) if n else 1.0


class Bench:
    """A registry of one size with its planner."""

    def __init__(self, size: int, vectors: VectorStore, encode: Encode, speller: Speller) -> None:
        start = time.perf_counter()
        self.registry = registry_of(size)
        self.index = ExemplarIndex(self.registry, vectors, encode)
        self.planner = ExemplarPlanner(self.index, speller)
        self.index.nearest("How large is the liver?")
        self.build_s = time.perf_counter() - start

    def prompt(self, question: str, view: StudyView) -> tuple[str, set[str], set[str]]:
        """The text of a prompt, and the wants and structures that its form can name."""
        written = write_prompt(
            question, [view], self.registry, self.index, lambda text: self.planner.propose(text, ()).items
        )
        text = "\n".join(m["content"] for m in written.messages)
        return text, {*written.choices.wants}, {*written.choices.structures}


def measured(bench: Bench, rows: Sequence[dict[str, Any]], tokens: Callable[[str], int]) -> dict[str, Any]:
    """Tokens of the prompts, how many right wants and structures are among the candidates, and the exact goals."""
    counts, hits, goals, right = [], 0, 0, {}
    asked_s = 0.0
    for number, row in enumerate(rows):
        view = study(row["study"], row["context"])
        gold = [Goal.model_validate(g) for g in row["expect"]["goals"]]
        start = time.perf_counter()
        found = bench.planner.propose(row["question"], [view]).goals
        asked_s += time.perf_counter() - start
        right[row["id"]] = [g.canonical() for g in found] == [g.canonical() for g in gold]
        # Only what can be answered has to be offered.
        answerable = row["expect"]["outcome"] == "answer"
        if not answerable and number % 8:
            continue
        text, wants, structures = bench.prompt(row["question"], view)
        if number % 8 == 0:
            counts.append(tokens(text))
        for goal in gold if answerable else ():
            goals += 1
            hits += goal.want in wants and {goal.of, goal.region or "image"} <= structures
    return {
        "tools": len(bench.registry), "tokens_mean": sum(counts) / len(counts), "tokens_max": max(counts),
        "recall": hits / max(goals, 1), "goals": goals, "right": right, "build_s": bench.build_s,
        "ask_ms": 1000 * asked_s / len(rows),
    }  # fmt: skip


def quarter(text: str) -> int:
    """About how many tokens a text has: characters over four."""
    return len(text) // 4


def counted_by(tokenizer: Path) -> Callable[[str], int]:
    """Counts tokens by a tokenizer's own file (tokenizer.json)."""
    from tokenizers import Tokenizer

    real = Tokenizer.from_file(str(tokenizer))
    return lambda text: len(real.encode(text).ids)


def main(argv: Sequence[str]) -> int:
    """Prints the figures of each size as JSON, and the paired comparisons."""
    from scanwright.agent.planner.lexicon import dictionary
    from scanwright.agent.workbench import Workbench

    parser = argparse.ArgumentParser(prog="scanwright eval planning-scale")
    parser.add_argument("--tokenizer", type=Path, help="tokenizer.json that counts tokens (default: characters over 4)")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--every", type=int, default=1, help="take every n-th question only")
    parser.add_argument("--output", type=Path, help="write the figures here as JSON")
    options = parser.parse_args(list(argv))
    tokens = counted_by(options.tokenizer) if options.tokenizer else quarter
    rows = [q for split in SPLITS for q in questions(split)][:: max(options.every, 1)]
    figures: dict[int, dict[str, Any]] = {}
    with (
        tempfile.TemporaryDirectory(prefix="scanwright-scale-") as folder,
        Workbench(Path(folder)) as workbench,
        workbench.open_home() as home,
    ):
        speller = Speller(dictionary(workbench.weights))
        for size in options.sizes:
            bench = Bench(size, home.vectors(), workbench.runtime(home).encode, speller)
            wants = bench.registry.wants()
            fits = [r for r in rows if all(g["want"] in wants for g in r["expect"]["goals"])]
            figures[size] = measured(bench, fits, tokens)
            own = list(asked_of([t for t in bench.registry if t.card.id in _generated_ids(size)], 60))
            view = study("abdomen_ct", {"mask": False, "point": False})
            said = [(goal, bench.planner.propose(text, [view]).goals) for text, goal in own]
            figures[size]["own_right"] = sum(goal is not None and found == (goal,) for goal, found in said)
            figures[size]["own"] = sum(goal is not None for goal, _ in said)
            figures[size]["near_misses_taken"] = sum(goal is None and bool(found) for goal, found in said)
            figures[size]["near_misses"] = sum(goal is None for goal, _ in said)
            shown = {k: v for k, v in figures[size].items() if k != "right"}
            print(
                json.dumps({**shown, "questions": len(fits), "exact": sum(figures[size]["right"].values())}), flush=True
            )
    compared = []
    last = figures[options.sizes[-1]]["right"]
    for size in options.sizes[:-1]:
        first = figures[size]["right"]
        both = first.keys() & last.keys()
        lost, won = sum(first[i] > last[i] for i in both), sum(first[i] < last[i] for i in both)
        compared.append(
            {"of": size, "with": options.sizes[-1], "n": len(both), "lost": lost, "won": won, "p": mcnemar(lost, won)}
        )
    print(json.dumps(compared))
    if options.output:
        options.output.write_text(json.dumps({"sizes": figures, "compared": compared}, indent=1) + "\n")
    return 0


def _generated_ids(size: int) -> set[str]:
    return {t.card.id for t in generated(max(size - len(load_registry()), 0))}
