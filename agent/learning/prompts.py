"""Finding a better prompt for a model that is not tuned: an instruction and examples, chosen on a training part.

A candidate is {"instruction": text, "examples": "[row, …]"}, numbers of rows of a pool; two searches share it. GEPA's
looks at what went wrong to propose the next; the random one needs no package.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scanwright.agent.learning.compact import SYSTEM, schema
from scanwright.agent.learning.data import Maker, Row
from scanwright.agent.learning.planner import FewShot
from scanwright.agent.learning.reward import RIGHT, Reward
from scanwright.agent.learning.train import answer_text
from scanwright.agent.llm.client import EndpointFailed, LLMClient
from scanwright.tools.errors import UserInputError

SHOTS = 6
INSTRUCTIONS = (
    SYSTEM,
    (
        'Fill a form with what the question asks of the medical image. One item for each thing asked. A goal: "w" what '
        'is wanted, "o" the structure, "s" the side, "i" only inside this structure, "lo" and "hi" limits, "u" a unit, '
        '"a" further wishes. What cannot be measured: {"no": why}. Lines "w:" and "o:" are guesses from the words.'
    ),
    (
        "You turn a clinician's question into JSON and never answer it. Copy the style of the examples. Questions of "
        'disease, treatment, findings, normal values or other things get {"no": …}; a question that says nothing to '
        'measure gets {"no": "unclear"}.'
    ),
)
Candidate = dict[str, str]


@dataclass
class Trial:
    """Runs candidates against one endpoint. calls counts what it asked."""

    llm: LLMClient
    maker: Maker
    pool: Sequence[Row]
    calls: int = 0
    _known: dict[tuple[str, str], tuple[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._reward = Reward(self.maker)
        self._schema = schema(self.maker.choices)

    def few_shot(self, candidate: Mapping[str, str]) -> FewShot:
        """The prompt that a candidate stands for."""
        rows = [self.pool[i] for i in json.loads(candidate["examples"])]
        return FewShot(candidate["instruction"], tuple((r.messages[-1]["content"], answer_text(r.form)) for r in rows))

    def answers(self, candidate: Mapping[str, str], rows: Sequence[Row]) -> list[tuple[str, float]]:
        """What the model wrote for each row, and its reward; a failed call is worth nothing."""
        shots = self.few_shot(candidate)
        found = []
        for row in rows:
            key = (json.dumps(dict(candidate), sort_keys=True), row.question)
            if key not in self._known:
                self.calls += 1
                try:
                    chat = shots.messages(row.messages[-1]["content"])
                    text = answer_text(self.llm.json(chat, self._schema, name="plan"))
                except EndpointFailed as error:
                    text = str(error)
                self._known[key] = text, self._reward.of(text, row.__dict__)
            found.append(self._known[key])
        return found

    def score(self, candidate: Mapping[str, str], rows: Sequence[Row]) -> float:
        """The mean reward on rows."""
        return sum(worth for _, worth in self.answers(candidate, rows)) / max(len(rows), 1)


def start(pool: Sequence[Row], seed: int, instruction: str = SYSTEM, shots: int = SHOTS) -> Candidate:
    """A first candidate: that instruction, and examples of as many categories as there is room for."""
    rng = random.Random(seed)
    by_category: dict[str, list[int]] = defaultdict(list)
    for i, row in enumerate(pool):
        by_category[row.category].append(i)
    categories = rng.sample(sorted(by_category), min(shots, len(by_category)))
    return {"instruction": instruction, "examples": json.dumps([rng.choice(by_category[c]) for c in categories])}


def random_search(
    trial: Trial, rows: Sequence[Row], *, seed: int, calls: int, say: Callable[[str], None] = print
) -> tuple[Candidate, float]:
    """Bootstrap few-shot with random search: the best of as many random candidates as the calls allow."""
    best, worth = {"instruction": SYSTEM, "examples": "[]"}, -1.0
    number = 0
    while trial.calls + len(rows) <= calls or number == 0:
        candidate = start(trial.pool, seed + number, INSTRUCTIONS[number % len(INSTRUCTIONS)])
        score = trial.score(candidate, rows)
        say(f"candidate {number}: {score:.3f}")
        if score > worth:
            best, worth = candidate, score
        number += 1
    return best, worth


def gepa_search(
    trial: Trial, rows: Sequence[Row], *, seed: int, calls: int, reflect: Callable[[str], str] | None = None,
    say: Callable[[str], None] = print,
) -> tuple[Candidate, float]:  # fmt: skip
    """GEPA over both parts of a candidate; the first half of rows is reflected on, the second half selected on.

    reflect is a language model that writes the next instruction (prompt in, text out); without one the instructions
    are those of INSTRUCTIONS. Examples are always exchanged for rows of the kind that went wrong. Raises
    UserInputError where gepa is not installed.
    """
    try:
        import gepa
    except ImportError:
        raise UserInputError("This search needs gepa: pip install 'scanwright[train]', or --search random.") from None
    half = len(rows) // 2
    result = gepa.optimize(
        seed_candidate=start(trial.pool, seed),
        trainset=list(rows[:half]),
        valset=list(rows[half:]),
        adapter=_adapter(trial, gepa, random.Random(seed), reflect),
        reflection_minibatch_size=6,
        module_selector="round_robin",
        perfect_score=RIGHT,
        max_metric_calls=calls,
        seed=seed,
        logger=_Logger(say),
        display_progress_bar=False,
    )
    return dict(result.best_candidate), float(result.val_aggregate_scores[result.best_idx])


def _adapter(trial: Trial, gepa: Any, rng: random.Random, reflect: Callable[[str], str] | None) -> Any:
    """GEPA's one point of contact: evaluate, say what went wrong, propose."""

    class Adapter:
        def evaluate(self, batch: list[Row], candidate: Candidate, capture_traces: bool = False) -> Any:
            answers = trial.answers(candidate, batch)
            traces = [{"row": r, "text": t, "score": s} for r, (t, s) in zip(batch, answers, strict=True)]
            return gepa.EvaluationBatch(
                outputs=[text for text, _ in answers], scores=[worth for _, worth in answers],
                trajectories=traces if capture_traces else None,
            )  # fmt: skip

        def make_reflective_dataset(self, candidate: Candidate, batch: Any, components: list[str]) -> Any:
            shown = [
                {
                    "Inputs": t["row"].messages[-1]["content"],
                    "Generated Outputs": t["text"],
                    "Feedback": f"worth {t['score']:.2f}; right is {answer_text(t['row'].form)}",
                    "category": t["row"].category,
                }
                for t in batch.trajectories
                if t["score"] < RIGHT
            ]
            return dict.fromkeys(components, shown)

        def propose_new_texts(self, candidate: Candidate, shown: Any, components: list[str]) -> dict[str, str]:
            return {
                name: _proposed(name, candidate, list(shown[name]), trial.pool, rng, reflect) for name in components
            }

    return Adapter()


def _proposed(
    name: str, candidate: Candidate, wrong: list[Mapping[str, str]], pool: Sequence[Row], rng: random.Random,
    reflect: Callable[[str], str] | None,
) -> str:  # fmt: skip
    if name == "instruction":
        if reflect is None:
            return rng.choice([i for i in INSTRUCTIONS if i != candidate["instruction"]])
        cases = "\n\n".join(f"{w['Inputs']}\nwritten: {w['Generated Outputs']}\n{w['Feedback']}" for w in wrong[:6])
        return reflect(
            "An instruction for a small model that turns questions into JSON is to be made better. Write the new "
            f"instruction alone, at most 120 words.\n\nInstruction:\n{candidate['instruction']}\n\nWhat went wrong "
            f"with it:\n{cases}"
        ).strip()[:2000]
    examples: list[int] = json.loads(candidate["examples"])
    kinds = {w["category"] for w in wrong}
    like = [i for i, row in enumerate(pool) if row.category in kinds and i not in examples]
    if like:
        if len(examples) >= SHOTS:
            examples.pop(rng.randrange(len(examples)))
        examples.append(rng.choice(like))
    return json.dumps(examples)


@dataclass(frozen=True)
class _Logger:
    say: Callable[[str], None]

    def log(self, message: str) -> None:
        self.say(message[:300])
