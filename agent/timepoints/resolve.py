"""Time points resolved: the words of a Goal for an exam become a study of the same patient, or a question back.

Candidates are the exams that came with the question, else those that are imported. A calendar date is turned into a
relative day here and goes no further: plans, logs and models see aliases and numbers of days.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from scanwright.agent.given import OF_TWO_EXAMS
from scanwright.agent.importing import study_view
from scanwright.agent.plan.second_method import METHODS
from scanwright.agent.plan.studies import StudyView
from scanwright.agent.timepoints.days import span_of
from scanwright.memory.home import Home
from scanwright.tools.contract.conditions import Concern
from scanwright.tools.contract.goal import Goal

_NEEDS_EARLIER = "This is about another exam of the patient, and none is given or imported: give it as well."


@dataclass
class Resolved:
    """Goals whose exams are named by alias, the studies with those that were found, and what stops a goal.

    notes holds, by goal, which exam was taken, where the person did not give it beside the question.
    """

    goals: list[Goal]
    studies: list[StudyView]
    held: dict[Goal, Concern] = field(default_factory=dict)
    notes: dict[Goal, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Exam:
    view: StudyView
    day: int | None


def resolve(home: Home, goals: Sequence[Goal], studies: Sequence[StudyView]) -> Resolved:
    """studies: the one asked about first. Goals without a time point stay as they are."""
    result = Resolved([], list(studies))
    exams: list[_Exam] | None = None
    for goal in goals:
        wanted = {name: getattr(goal, name) for name in ("time", "compare")}
        aliases = {s.alias for s in result.studies} | {METHODS, None}
        words = {name: word for name, word in wanted.items() if word not in aliases}
        if goal.want in OF_TWO_EXAMS and goal.compare is None and len(studies) == 1:
            words["compare"] = "previous"
        if not words:
            result.goals.append(goal)
            continue
        exams = _exams(home, studies) if exams is None else exams
        found = {name: _found(home, word, studies[0], exams) for name, word in words.items()}
        stopped = next((f for f in found.values() if isinstance(f, Concern)), None)
        if stopped is not None:
            result.goals.append(goal)
            # Nothing is said of an earlier exam that the question did not name: the compiler asks for it.
            if goal.time is not None or goal.compare is not None or stopped.effect == "refuse" or stopped.offers:
                result.held[goal] = stopped
            continue
        chosen = {name: _taken(f, result) for name, f in found.items() if isinstance(f, _Exam)}
        result.goals.append(goal.model_copy(update=chosen))
        if len(studies) == 1:
            result.notes[result.goals[-1]] = " ".join(
                _note(name, exam, studies[0]) for name, exam in found.items() if isinstance(exam, _Exam)
            )
    return result


def _exams(home: Home, studies: Sequence[StudyView]) -> list[_Exam]:
    """The other exams: those that were given, else those of the patient that show the same kind of scan."""
    if len(studies) > 1:
        return [_Exam(s, s.relative_day) for s in studies[1:]]
    main = studies[0]
    subject = next(iter(main.images.values())).type.subject
    kinds = {(i.type.kind, i.image.modality) for i in main.images.values()}
    parts = {i.image.body_part for i in main.images.values()} - {None}
    found = []
    for record in home.studies.list(subject) if subject else ():
        images = [s.image for s in record.series if (s.image.type.kind, s.image.image.modality) in kinds]
        shown = {i.image.body_part for i in images} - {None}
        if record.study_id != main.study_id and images and (not parts or not shown or parts & shown):
            found.append(_Exam(study_view(home, record, ""), record.relative_day))
    return found


def _found(home: Home, word: str, main: StudyView, exams: Sequence[_Exam]) -> _Exam | Concern:
    if not exams:
        return Concern("ask", _NEEDS_EARLIER, "earlier study", test="missing_study")
    if word == "unclear":
        return _ask("It is not clear which exam is meant.", exams, main)
    if len(exams) == 1 and word == "previous" and (exams[0].day is None or main.relative_day is None):
        # Two exams without a date, given beside each other: the order they were given in says which is the earlier.
        return exams[0] if exams[0].view.alias else _undated(exams, main)
    if any(e.day is None for e in exams) or main.relative_day is None:
        return _undated(exams, main)
    now = main.relative_day
    before = sorted((e for e in exams if e.day is not None and e.day < now), key=lambda e: e.day or 0)
    name, _, number = word.partition(":")
    if name == "previous":
        return _the_nth(before[::-1], int(number or 1), before, f"{_counted(int(number or 1))} before this one", main)
    if name in ("first", "exam"):
        ordered = sorted([*exams, _Exam(main, now)], key=lambda e: e.day or 0)
        return _the_nth(ordered, int(number or 1), exams, f"number {number or 1}", main)
    fits = [
        e for span in span_of(home, word, _subject(main), now) for e in exams if e.day is not None and e.day in span
    ]
    fits = list({e.view.study_id: e for e in fits}.values())
    if not fits:
        return Concern(
            "refuse", f"No exam of this patient is of that time: there is {_listed(exams, main)}.",
            "earlier study", test="no_such_exam",
        )  # fmt: skip
    return fits[0] if len(fits) == 1 else _ask("Several exams are of that time.", fits, main)


def _the_nth(ordered: Sequence[_Exam], n: int, others: Sequence[_Exam], said: str, main: StudyView) -> _Exam | Concern:
    if len(ordered) < n:
        there = f": there is {_listed(others, main)}" if others else ""
        return Concern("refuse", f"There is no exam {said}{there}.", "earlier study", test="no_such_exam")
    same_day = [e for e in ordered if e.day == ordered[n - 1].day]
    if len(same_day) > 1:
        return _ask("Several exams are of that day.", same_day, main)
    return ordered[n - 1]


def _taken(exam: _Exam, result: Resolved) -> str:
    """The alias of an exam, which joins the studies where it is not among them."""
    known = next((s for s in result.studies if s.study_id == exam.view.study_id), None)
    if known is not None:
        return known.alias
    numbers = [int(s.alias[1:]) for s in result.studies if s.alias[1:].isdigit()]
    view = replace(exam.view, alias=f"S{max(numbers, default=0) + 1}")
    result.studies.append(view)
    return view.alias


def _ask(sentence: str, exams: Sequence[_Exam], main: StudyView) -> Concern:
    return Concern(
        "ask", f"{sentence} Name the exam before the one asked about.", "earlier study",
        tuple(_offer(e, main) for e in exams), test="which_exam",
    )  # fmt: skip


def _undated(exams: Sequence[_Exam], main: StudyView) -> Concern:
    return _ask("The files do not say when these exams were made.", exams, main)


def _offer(exam: _Exam, main: StudyView) -> str:
    name = exam.view.study_id
    return name if exam.day is None or main.relative_day is None else f"{name} ({_apart(exam, main)})"


def _note(name: str, exam: _Exam, main: StudyView) -> str:
    if exam.view.study_id == main.study_id:
        return "That exam is the one asked about."
    how = "Compared with" if name == "compare" else "Measured on"
    when = "" if exam.day is None or main.relative_day is None else f" {_apart(exam, main)}"
    return f"{how} the exam{when} ({exam.view.study_id})."


def _listed(exams: Sequence[_Exam], main: StudyView) -> str:
    days = sorted(exams, key=lambda e: e.day or 0)
    said = [_apart(e, main) for e in days]
    return f"one {said[0]}" if len(said) == 1 else f"one {', one '.join(said[:-1])} and one {said[-1]}"


def _apart(exam: _Exam, main: StudyView) -> str:
    days = (main.relative_day or 0) - (exam.day or 0)
    if days == 0:
        return "on the same day"
    return f"{abs(days)} {'day' if abs(days) == 1 else 'days'} {'before' if days > 0 else 'after'} this one"


def _counted(n: int) -> str:
    return "" if n == 1 else f"{n} exams"


def _subject(main: StudyView) -> str:
    return next(iter(main.images.values())).type.subject or ""
