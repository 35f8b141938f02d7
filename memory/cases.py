"""CaseStore: kept scans with their vectors, and which of them are nearest to a scan.

The database holds the vectors as the encoder made them; a collection of the vector store for each encoder holds them
centred, less the mean of all of them, and is built anew from the database where cases came or went. Not centred, the
vectors of a CT encoder all point nearly the same way (cosines of 0.87 to 0.99), and what they share tells nothing.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scanwright.memory import schema
from scanwright.memory.database import Database, utc_now
from scanwright.memory.records import KeptCase, StudyRecord
from scanwright.memory.studies import StudyStore
from scanwright.memory.vectors import VectorStore
from scanwright.tools.artifacts import Case, CaseList, Embedding
from scanwright.tools.errors import ToolInputError, UserInputError
from scanwright.tools.hashing import canonical_json
from sqlalchemy import Connection, delete, func, insert, select, update

FACTS = ("modality", "body_part", "sex", "age_band", "scanner")
# The mean of fewer cases is mostly the cases themselves.
CENTRED_FROM = 5
# Below this the warning that few cases were compared stands on the answer.
FEW = 50
_cases, _collections = schema.cases.c, schema.case_collections.c


class CaseStore:
    """The cases of one home. vectors opens the vector store when it is first needed."""

    def __init__(self, database: Database, vectors: Callable[[], VectorStore], studies: StudyStore) -> None:
        self._database = database
        self._vectors = vectors
        self._studies = studies
        self._turn = threading.RLock()

    def add(self, study: StudyRecord, series: str, embedding: Embedding) -> KeptCase:
        """Keeps a series of a study as a case, or replaces what was kept of it. Raises ValueError for no series."""
        image = next((s.image.image for s in study.series if s.name == series), None)
        if image is None:
            raise ValueError(f"{study.study_id} has no series {series!r}")
        known = {
            "modality": image.modality, "body_part": image.body_part, "sex": study.sex, "age_band": study.age_band,
            "scanner": study.scanner,
        }  # fmt: skip
        facts = {name: value for name, value in known.items() if value is not None}
        row = {
            "encoder": embedding.encoder, "study_id": study.study_id, "series": series[:255], "subject": study.subject,
            "facts": canonical_json(facts), "vector": np.asarray(embedding.vector, "<f4").tobytes(),
            "created_utc": utc_now(),
        }  # fmt: skip
        with self._turn, self._database.transaction() as connection:
            _of_study = (_cases.study_id == study.study_id, _cases.series == row["series"])
            connection.execute(delete(schema.cases).where(_cases.encoder == embedding.encoder, *_of_study))
            connection.execute(insert(schema.cases), row)
            _unbuilt(connection, embedding.encoder)
        return KeptCase(
            encoder=embedding.encoder, study_id=study.study_id, series=series, subject=study.subject, facts=facts
        )

    def list(self, encoder: str | None = None) -> list[KeptCase]:
        """All cases, or one encoder's, in the order in which they came."""
        query = select(schema.cases).order_by(_cases.created_utc, _cases.study_id, _cases.series)
        if encoder is not None:
            query = query.where(_cases.encoder == encoder)
        with self._database.transaction() as connection:
            return [_kept(row) for row in connection.execute(query).all()]

    def forget(self, study_id: str) -> int:
        """Removes a study's cases, not the study; returns how many there were."""
        return self._forget(_cases.study_id == study_id)

    def forget_subject(self, subject: str) -> int:
        """Removes a subject's cases; may be repeated after a kill."""
        return self._forget(_cases.subject == subject)

    def nearest(self, embedding: Embedding, limit: int, filters: Mapping[str, str]) -> CaseList:
        """See scanwright.tools.contract.context.Cases."""
        own = embedding.type.time
        other_patients = filters.get("patient", "other") == "other"
        wanted = self._wanted(embedding, {k: v for k, v in filters.items() if k != "patient"})
        with self._turn:
            kept = [c for c in self.list(embedding.encoder) if wanted.items() <= c.facts.items()]
            hidden = {
                _id(c) for c in kept if c.study_id == own or (other_patients and c.subject == embedding.type.subject)
            }
            searched = len(kept) - len(hidden)
            if not searched:
                raise ToolInputError(_none_left(wanted, len(kept)))
            mean, words = self._built(embedding.encoder, len(embedding.vector))
            vector = np.asarray(embedding.vector, np.float32) - mean
            found = self._vectors().search(_name(embedding.encoder), vector, limit + len(hidden), wanted or None)
        by_id = {_id(c): c for c in kept}
        near = [(by_id[h.id], h.score) for h in found if h.id in by_id and h.id not in hidden][:limit]
        return CaseList(
            type=embedding.type.model_copy(update={"kind": "CaseList", "quantity": ("similar_cases",)}),
            name="similar cases",
            cases=tuple(
                Case(study_id=c.study_id, series=c.series, score=min(1.0, score), facts=dict(c.facts))
                for c, score in near
            ),
            searched=searched,
            encoder=embedding.encoder,
            method=f"cosine of the vectors of {embedding.encoder}, {words}; {searched} cases of other studies compared",
            flags=() if searched >= FEW else (_few(searched),),
        )

    def _wanted(self, embedding: Embedding, filters: Mapping[str, str]) -> dict[str, str]:
        """The facts that a case must have, "same" put into words. Raises ToolInputError."""
        unknown = sorted(set(filters) - set(FACTS))
        if unknown:
            raise ToolInputError(f"Cases cannot be chosen by {unknown[0]}; they can by {', '.join(FACTS)}.")
        result: dict[str, str] = {}
        for name, value in filters.items():
            if value == "any":
                continue
            result[name] = self._own(embedding, name) if value == "same" else value
        return result

    def _own(self, embedding: Embedding, fact: str) -> str:
        value = getattr(embedding.image, fact, None)
        if value is None and embedding.type.time is not None:
            try:
                value = getattr(self._studies.get(embedding.type.time), fact, None)
            except UserInputError:
                value = None
        if value is None:
            raise ToolInputError(
                f"This scan's own {fact.replace('_', ' ')} is not known, so cases with the same cannot be chosen: name "
                "one, or leave it out."
            )
        return str(value)

    def _built(self, encoder: str, dim: int) -> tuple[NDArray[np.float32], str]:
        """What the collection is centred by, and that in words; builds it where it lags behind."""
        with self._database.transaction() as connection:
            state = connection.execute(select(schema.case_collections).where(_collections.encoder == encoder)).first()
            if state is None or not state.built:
                query = select(schema.cases).where(_cases.encoder == encoder)
                state = self._build(connection, encoder, connection.execute(query).all())
        mean = np.frombuffer(state.mean, "<f4")
        if mean.shape != (dim,):
            raise ToolInputError(
                f"The kept vectors of {encoder} have {mean.size} numbers and this one has {dim}: add the cases again."
            )
        if state.cases < CENTRED_FROM:
            return mean, f"not centred, since there are fewer than {CENTRED_FROM}"
        return mean, f"less the mean of the {state.cases} kept ones (version {state.version} of the mean)"

    def _build(self, connection: Connection, encoder: str, rows: Any) -> Any:
        vectors = np.stack([np.frombuffer(row.vector, "<f4") for row in rows]).astype(np.float32)
        centred = len(rows) >= CENTRED_FROM
        mean = vectors.mean(0) if centred else np.zeros(vectors.shape[1], np.float32)
        store, name = self._vectors(), _name(encoder)
        store.drop(name)
        store.ensure(name, vectors.shape[1], dict.fromkeys((*FACTS, "subject"), str))
        kept = [_kept(row) for row in rows]
        payloads = [
            {**c.facts, "study_id": c.study_id, "series": c.series, "subject": c.subject} for c in kept
        ]  # fmt: skip
        store.upsert(name, [_id(c) for c in kept], vectors - mean, payloads)
        state = {"mean": mean.astype("<f4").tobytes(), "cases": len(rows), "built": 1}
        changed = update(schema.case_collections).where(_collections.encoder == encoder)
        connection.execute(changed.values(version=_collections.version + 1, **state))
        return connection.execute(select(schema.case_collections).where(_collections.encoder == encoder)).one()

    def _forget(self, which: Any) -> int:
        with self._turn:
            with self._database.transaction() as connection:
                query = select(_cases.encoder, func.count()).where(which).group_by(_cases.encoder)
                counts: dict[str, int] = dict(connection.execute(query).tuples().all())
                for encoder in counts:
                    _unbuilt(connection, encoder)
            # The collection goes as a whole, with its files: a deleted point can stay readable in a log of its engine.
            for encoder in counts:
                self._vectors().drop(_name(encoder))
            with self._database.transaction() as connection:
                connection.execute(delete(schema.cases).where(which))
        return sum(counts.values())


def _unbuilt(connection: Connection, encoder: str) -> None:
    """The mean goes too: with the other cases at hand it would tell the one that went."""
    change = update(schema.case_collections).where(_collections.encoder == encoder)
    if connection.execute(change.values(built=0, mean=None)).rowcount == 0:
        connection.execute(insert(schema.case_collections), {"encoder": encoder, "version": 0, "cases": 0, "built": 0})


def _kept(row: Any) -> KeptCase:
    return KeptCase(
        encoder=row.encoder, study_id=row.study_id, series=row.series, subject=row.subject, facts=json.loads(row.facts)
    )


def _id(case: KeptCase) -> str:
    return f"{case.study_id}/{case.series}"


def _name(encoder: str) -> str:
    return f"cases-{encoder}"


def _few(searched: int) -> str:
    cases = "1 kept case was" if searched == 1 else f"{searched} kept cases were"
    return f"only {cases} compared, so the nearest may still be unlike this scan"


def _none_left(wanted: Mapping[str, str], kept: int) -> str:
    if kept:
        return "All kept cases that fit are of this patient: there is nobody else to compare with."
    facts = " and ".join(f"{name.replace('_', ' ')} {value}" for name, value in wanted.items())
    return f"No case{' with ' if facts else ''}{facts} is kept yet: add some with `scanwright cases add`."
