"""IdentityStore: pseudonyms, sealed records, relative days, and erasing a subject."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from scanwright.memory import schema
from scanwright.memory.blobs import BlobStore
from scanwright.memory.cases import CaseStore
from scanwright.memory.database import Database
from scanwright.memory.erasure import Eraser
from scanwright.memory.keys import KeyRing
from scanwright.memory.records import Erasure
from scanwright.tools.errors import UserInputError
from scanwright.tools.hashing import canonical_json
from sqlalchemy import delete, insert, select

PSEUDONYM_DIGITS = 12


class IdentityStore:
    """Who is who. Only exporters read it; everything else knows the pseudonym."""

    def __init__(self, database: Database, keys: KeyRing, blobs: BlobStore, cases: CaseStore) -> None:
        self._database = database
        self._keys = keys
        self._eraser = Eraser(database, keys, blobs, cases)
        self._eraser.resume()

    def pseudonym(self, patient_id: str | None, fingerprint: str) -> str:
        """ "P-" and 12 hex digits: the same patient id gives the same one in this home and another elsewhere.

        Without a patient id the study's fingerprint stands for it: such studies never belong together.
        """
        patient_id = (patient_id or "").strip()
        source = f"id:{patient_id}" if patient_id else f"fingerprint:{fingerprint}"
        return "P-" + self._keys.keyed_hash(source)[:PSEUDONYM_DIGITS]

    def relative_day(self, subject: str, day: date) -> int:
        """Days from the subject's anchor (the first date asked about), which is kept with the subject's key."""
        return (day - self._keys.anchor(subject, day)).days

    def seal(self, study_id: str, subject: str, identity: dict[str, Any]) -> None:
        """Encrypts what identifies a study's patient with the subject's key, and keeps it; replaces an older record."""
        from cryptography.fernet import Fernet

        token = Fernet(self._keys.make_key(subject)).encrypt(canonical_json(identity).encode())
        with self._database.transaction() as connection:
            connection.execute(delete(schema.sealed).where(schema.sealed.c.study_id == study_id))
            connection.execute(insert(schema.sealed), {"study_id": study_id, "subject": subject, "token": token})

    def holds(self, study_id: str) -> bool:
        """True where something that identifies a study's patient is kept (its key may be gone)."""
        with self._database.transaction() as connection:
            return (
                connection.execute(select(schema.sealed).where(schema.sealed.c.study_id == study_id)).first()
                is not None
            )

    def unseal(self, study_id: str) -> dict[str, Any]:
        """What seal was given. Raises UserInputError where nothing is kept, or the key is gone."""
        from cryptography.fernet import Fernet, InvalidToken

        with self._database.transaction() as connection:
            row = connection.execute(select(schema.sealed).where(schema.sealed.c.study_id == study_id)).first()
        if row is None:
            raise UserInputError(f"No identity is kept for the study {study_id!r}: import it again from its files.")
        key = self._keys.key_of(row.subject)
        try:
            if key is not None:
                identity: dict[str, Any] = json.loads(Fernet(key).decrypt(row.token))
                return identity
        except InvalidToken:
            pass
        raise UserInputError(
            f"The key of {row.subject} is not in this home any more, so the identity of {study_id!r} cannot be read: "
            "import the study again from its files."
        )

    def erase(self, subject: str) -> Erasure:
        """Erases a subject for good: key, sealed records, studies, what was made of them, their
        blobs and vectors.

        Questions, plans, answers and comments of runs on the subject's studies are emptied. A tombstone stays, and
        an erasure that is interrupted goes on when the home is opened next.
        Raises UserInputError where nothing is kept of the subject.
        """
        return self._eraser.erase(subject)
