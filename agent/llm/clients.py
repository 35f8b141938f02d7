"""The client for the questions about some studies: what must not leave of them is kept inside."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event as Flag

from scanwright.agent.llm.boundary import Boundary
from scanwright.agent.llm.client import LLMClient
from scanwright.agent.llm.endpoint import Endpoint
from scanwright.agent.llm.ledger import Ledger
from scanwright.agent.plan.studies import StudyView
from scanwright.memory.home import Home


def client_for(
    endpoint: Endpoint,
    home: Home,
    studies: Sequence[StudyView],
    *,
    patient: str | None = None,
    ledger: Ledger | None = None,
    cancelled: Flag | None = None,
) -> LLMClient:
    """The client that asks endpoint about studies. Raises UserInputError where their identities cannot be read."""
    boundary = Boundary() if endpoint.trusted else boundary_of(home, studies, patient)
    return LLMClient(endpoint, boundary, Ledger() if ledger is None else ledger, cancelled or Flag())


def boundary_of(home: Home, studies: Sequence[StudyView], patient: str | None = None) -> Boundary:
    """What must not leave of these studies: their sealed identities, and the patient's name that the person gave.

    Raises UserInputError where an identity is kept that cannot be read: then nobody knows what must not leave.
    """
    kept = [s.study_id for s in studies if home.identities.holds(s.study_id)]
    # One identity for each series.
    known = [series for study_id in kept for series in home.identities.unseal(study_id).values()]
    return Boundary((*known, {"PatientName": patient}) if patient else tuple(known))
