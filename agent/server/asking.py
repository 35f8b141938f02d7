"""What clients send, and what every route takes: the desk, the studies' views."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from scanwright.agent.given import Given
from scanwright.agent.server.desk import Desk
from scanwright.tools.contract.quantity import Point
from scanwright.tools.errors import UserInputError
from scanwright.tools.imaging.loaded import GivenFacts

ShortText = Annotated[str, Field(max_length=200)]
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def desk_of(request: Request) -> Desk:
    """The desk of the application."""
    found: Desk = request.app.state.desk
    return found


TheDesk = Annotated[Desk, Depends(desk_of)]


class Body(BaseModel):
    """What a client sends: nothing that is not known."""

    model_config = ConfigDict(extra="forbid")


class NewFile(Body):
    """A file that will come: its name and its size in bytes."""

    name: Annotated[str, Field(min_length=1, max_length=1024)]
    size: Annotated[int, Field(ge=0, le=2**53)]


class NewUpload(Body):
    """Files that will come together and become one study."""

    files: list[NewFile]


class Facts(Body):
    """What the files leave out."""

    modality: ShortText | None = None
    body_part: ShortText | None = None
    sides: Literal["known", "unknown"] | None = None
    stain: ShortText | None = None
    pixel_size_um: Annotated[float, Field(gt=0, lt=10_000)] | None = None
    gated: bool | None = None
    patient: ShortText | None = None

    def given(self) -> Given:
        """As the importer takes it. Raises UserInputError for a fact that cannot be."""
        try:
            return Given(GivenFacts(**self.model_dump(exclude={"patient"})), patient=self.patient)
        except ValueError as error:
            raise UserInputError(f"What was said of these files cannot be: {error}") from None


class NewSession(Body):
    """Studies to talk about, the earlier exam first."""

    studies: Annotated[list[ShortText], Field(min_length=1, max_length=50)]


class NewTurn(Body):
    """A question with what belongs to it: a point in RAS+ mm, the hash of a mask, further points by name.

    review shows the plan and waits; approved lets a plan run that would wait for approval.
    """

    question: Annotated[str, Field(min_length=1, max_length=4000)]
    series: ShortText | None = None
    at: Point | None = None
    mask: Hash | None = None
    points: dict[Literal["more", "not_at", "liver_at", "spleen_at"], list[Point]] = Field(default_factory=dict)
    review: bool = False
    approved: bool = False


class Approval(Body):
    """The plan as the person made it; without one, the plan that waits."""

    plan: dict[str, Any] | None = None


class ForPlan(Body):
    """A plan (of whatever form a client thinks one has) on studies, with a mask that was given."""

    plan: dict[str, Any]
    studies: Annotated[list[ShortText], Field(min_length=1, max_length=50)]
    mask: Hash | None = None
    at: Point | None = None
    series: ShortText | None = None


class ForStep(ForPlan):
    """A plan and one of its steps."""

    step: ShortText


class Swap(ForStep):
    """A plan, one of its steps and the tool to take instead."""

    tool: ShortText


class Verdict(Body):
    """What a person says of an answer, a plan, a piece of evidence or a step."""

    target: Annotated[str, Field(pattern=r"^(answer|plan|E\d{1,4}|(step:)?[A-Za-z][\w-]{0,40})$")]
    verdict: Literal["right", "wrong", "unsure"]
    comment: Annotated[str, Field(max_length=4000)] = ""
    right_answer: Annotated[str, Field(max_length=1000)] | None = None


class Clicks(Body):
    """Points inside a structure (at, more) and outside it (not_at), in RAS+ mm, on a series of a study."""

    study: ShortText
    series: ShortText | None = None
    at: Point
    more: list[Point] = Field(default_factory=list, max_length=100)
    not_at: list[Point] = Field(default_factory=list, max_length=100)


class Erase(Body):
    """The study's own id, written again by whoever wants its patient's data gone."""

    confirm: ShortText


class Login(Body):
    """The token."""

    token: Annotated[str, Field(max_length=16384)]
