"""/api/v1/runs: what was answered, where it comes from, and what people made of it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from scanwright.agent.correcting import correct, output_of
from scanwright.agent.plan.plan import Plan
from scanwright.agent.server.asking import TheDesk, Verdict
from scanwright.agent.server.bodies import whole_body
from scanwright.agent.server.desk import Desk, NotThere
from scanwright.agent.server.forms import ChangedProblem, CorrectionView, EvidenceView, FeedbackView, RunShort, RunView
from scanwright.agent.server.nifti_mask import mask_from_nifti
from scanwright.agent.server.provenance import evidence, step_view
from scanwright.agent.server.turns import readdressed
from scanwright.memory.records import RunRecord
from scanwright.tools.artifacts import Mask
from scanwright.tools.errors import UserInputError

router = APIRouter(prefix="/api/v1/runs", tags=["runs"])
NIFTI = {"requestBody": {"required": True, "content": {"application/gzip": {}}}}
FORMATS = ("csv", "json", "pdf", "seg", "sr", "fhir", "bundle")


@router.get("", response_model=list[RunShort])
def runs(desk: TheDesk, limit: Annotated[int, Query(ge=1, le=500)] = 50) -> list[dict[str, Any]]:
    """The newest runs, newest first, without plan and answer."""
    return [_short(desk, r) for r in desk.home.runs.list(limit)]


@router.get("/{run_id}", response_model=RunView)
def run(run_id: str, desk: TheDesk) -> dict[str, Any]:
    """A run: plan, answer, steps, corrections."""
    record: RunRecord = desk.run(run_id)
    plan = Plan.model_validate(record.plan or {})
    answer = None if record.answer is None else readdressed(record.answer)
    known = _short(desk, record) | {"plan": record.plan or {}, "answer": answer}
    known["steps"] = [step_view(desk, record, plan, s.id) for s in plan.steps]
    root = desk.home.corrections.root_of(run_id)
    known["corrections"] = [c.model_dump() for c in desk.home.corrections.of_root(root)]
    return known


@router.get("/{run_id}/events")
def log(run_id: str, desk: TheDesk) -> list[dict[str, Any]]:
    """The log of a run, as it is kept."""
    return [e.model_dump(mode="json") for e in desk.home.runs.events(desk.run(run_id).run_id)]


@router.get("/{run_id}/evidence/{number}", response_model=EvidenceView)
def of_evidence(run_id: str, number: str, desk: TheDesk) -> dict[str, Any]:
    """Where a number comes from."""
    return evidence(desk, desk.run(run_id), number)


@router.post(
    "/{run_id}/corrections", status_code=201, openapi_extra=NIFTI, response_model=CorrectionView,
    responses={409: {"model": ChangedProblem}},
)  # fmt: skip
async def corrected(
    run_id: str,
    request: Request,
    desk: TheDesk,
    step: Annotated[str, Query(max_length=64)],
    base: Annotated[str, Query(pattern="^[0-9a-f]{64}$")],
    author: Annotated[str, Query(min_length=1, max_length=200)],
    force: bool = False,
) -> dict[str, Any]:
    """Puts a mask in the place of a step's output; the run that goes on from there begins at once.

    base is the hash of the output that the person saw: where somebody else was first, nothing is taken over, and the
    mask is kept as an artifact of its own.
    """
    body = await whole_body(request, desk.settings.max_mask)

    def kept() -> dict[str, Any]:
        record = desk.run(run_id)
        like = output_of(desk.home, record.run_id, step)
        if not isinstance(like, Mask):
            raise UserInputError(
                f"The step {step} gives a {like.type.kind}, and only a mask can be corrected by a mask."
            )
        voxels = mask_from_nifti(body, like.geometry)
        done = correct(desk.home, run_id, step, voxels, author, base, force=force)
        turn = desk.home.sessions.of_run(done.correction.root_run)
        if turn is not None:
            said = {"turn_id": turn.turn_id, "run": run_id, "step": step, "artifact": done.artifact,
                    "author": done.correction.author, "child_run": done.child_run}  # fmt: skip
            desk.feed.say(turn.conversation_id, "correction.made", said)
        desk.turns.run_child(done.child_run)
        return {"artifact": done.artifact, "child_run_id": done.child_run}

    return await run_in_threadpool(kept)


@router.post("/{run_id}/feedback", status_code=201, response_model=FeedbackView)
def feedback(run_id: str, body: Verdict, desk: TheDesk) -> dict[str, Any]:
    """Keeps a verdict on an answer, a plan, a piece of evidence or a step."""
    record: RunRecord = desk.run(run_id)
    target = _target(record, body.target)
    comment = body.comment.strip()
    if body.right_answer:
        comment = f"{comment}\n{RIGHT}{body.right_answer.strip()}".strip()
    given = desk.home.feedback.add(record.run_id, target, body.verdict, comment)
    root = desk.home.corrections.root_of(run_id)
    turn = desk.home.sessions.of_run(root)
    if turn is not None:
        said = {"turn_id": turn.turn_id, "run": run_id, "target": target, "verdict": body.verdict}
        desk.feed.say(turn.conversation_id, "feedback.given", said)
    return _feedback(given)


@router.get("/{run_id}/feedback", response_model=list[FeedbackView])
def feedbacks(run_id: str, desk: TheDesk) -> list[dict[str, Any]]:
    """What people said of a run, oldest first."""
    return [_feedback(f) for f in desk.home.feedback.list(desk.run(run_id).run_id)]


@router.get("/{run_id}/export/{form}")
def export(run_id: str, form: str, desk: TheDesk) -> Response:
    """The answer as a file: JSON, or its measurements as CSV."""
    record: RunRecord = desk.run(run_id)
    if record.answer is None:
        raise NotThere("This run has no answer yet, so there is nothing to export.")
    if form not in ("json", "csv"):
        what = f"An export as {form.upper()} does not exist yet" if form in FORMATS else "There is no such export"
        raise NotThere(f"{what}: take json or csv.")
    from scanwright.agent.server.exports import as_csv, as_json

    text, kind = (as_json(record), "application/json") if form == "json" else (as_csv(record), "text/csv")
    name = f"{record.run_id}.{form}"
    return Response(text, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


RIGHT = "Right answer: "


def _feedback(given: Any) -> dict[str, Any]:
    data: dict[str, Any] = given.model_dump(mode="json")
    comment, _, right = data["comment"].rpartition(RIGHT)
    if right and data["comment"].find(RIGHT) >= 0:
        return data | {"comment": comment.rstrip("\n"), "right_answer": right}
    return data | {"right_answer": None}


def _target(record: RunRecord, target: str) -> str:
    steps = {s["id"] for s in (record.plan or {}).get("steps", ())}
    shown = {e["id"] for e in (record.answer or {}).get("evidence", ())}
    step = target.removeprefix("step:")
    if target in ("answer", "plan") or target in shown:
        return target
    if step in steps:
        return f"step:{step}"
    raise UserInputError(f"The run {record.run_id} has no step or evidence {target!r}.")


def _short(desk: Desk, record: RunRecord) -> dict[str, Any]:
    turn = desk.home.sessions.of_run(record.run_id)
    root = desk.home.corrections.root_of(record.run_id)
    return {
        "run_id": record.run_id, "question": record.question, "studies": list(record.study_ids),
        "status": record.status, "created_utc": record.created_utc.isoformat(),
        "session_id": None if turn is None else turn.conversation_id,
        "corrects": None if root == record.run_id else root,
    }  # fmt: skip
