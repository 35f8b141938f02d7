"""Training rows from a home's own runs: accepted questions, where the home's owner agreed to it."""

from __future__ import annotations

from scanwright.agent.learning.data import Maker, Row
from scanwright.agent.learning.questions import Asked
from scanwright.agent.learning.scenes import SCENES, scene
from scanwright.agent.llm.boundary import Boundary
from scanwright.agent.plan.plan import Plan
from scanwright.memory.home import Home
from scanwright.memory.records import EventKind, RunRecord
from scanwright.tools.contract.goal import Goal
from scanwright.tools.errors import UserInputError

RUNS_AT_MOST = 100_000
_RIGHT, _WRONG = "right", "wrong"
_OF_THE_READING = ("plan", "answer")


def accepted_rows(home: Home, maker: Maker, *, use_runs: bool) -> list[Row]:
    """The rows of accepted runs, oldest first; use_runs is the setting learning.use_runs of that home.

    Accepted is what a person approved or called right, and nobody called wrong. A question with anything in it that is
    written like an identifier, or that is one of the patient's, is left out as a whole. Raises UserInputError without
    consent.
    """
    if not use_runs:
        raise UserInputError(
            "This home's questions are no training data until its owner agrees: say use_runs = true under [learning] "
            "in scanwright.toml."
        )
    rows = (_row(home, maker, run) for run in reversed(home.runs.list(RUNS_AT_MOST)) if is_accepted(home, run))
    return [row for row in rows if row is not None]


def is_accepted(home: Home, run: RunRecord) -> bool:
    """True where a person stands behind the plan of a run."""
    verdicts = {f.verdict for f in home.feedback.list(run.run_id) if f.target in _OF_THE_READING}
    if _WRONG in verdicts:
        return False
    return _RIGHT in verdicts or any(e.kind == EventKind.PLAN_APPROVED for e in home.runs.events(run.run_id))


def _row(home: Home, maker: Maker, run: RunRecord) -> Row | None:
    # An erasure empties the question; what compares exams has no scene here.
    if not run.question or len(run.study_ids) != 1 or _identifies(home, run):
        return None
    plan = Plan.model_validate(run.plan)
    goals = tuple(g.goal for g in plan.goals)
    on = _scene_of(home, run.study_ids[0])
    if on is None or not goals or plan.remarks:
        return None
    asked = Asked(run.question, tuple(_as_asked(g) for g in goals), "home", "home", (run.question,))
    row = maker.row(asked, source="home", on=on)
    return None if row is None else _trained(row)


def _identifies(home: Home, run: RunRecord) -> bool:
    study = run.study_ids[0]
    known = [*home.identities.unseal(study).values()] if home.identities.holds(study) else []
    return bool(Boundary(tuple(known)).scrub(run.question)[1])


def _scene_of(home: Home, study_id: str) -> str | None:
    """The scene with the facts of a study, for the prompt; None where there is none like it."""
    images = [s.image.image for s in home.studies.get(study_id).series]
    facts = {(i.modality, i.body_part) for i in images}
    for name in SCENES:
        image = scene(name).image().image
        if (image.modality, image.body_part) in facts:
            return name
    return None


def _as_asked(goal: Goal) -> Goal:
    """Without what the person gave beside the question (a point), which is not in its words."""
    return goal.model_copy(update={"params": {n: v for n, v in goal.params.items() if n in ("low", "high")}})


def _trained(row: Row) -> Row:
    """A home's question is trained on whatever the hash of its words; only templates are kept back."""
    return Row(**{**row.__dict__, "split": "train"})
