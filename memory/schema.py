"""The tables. migrations/versions holds the same in steps; a test holds the two together."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

# The newest migration, and all that this code knows: a home that names another was written by newer code.
HEAD = "0007"
KNOWN = frozenset({"0001", "0002", "0003", "0006", "0007"})

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

studies = Table(
    "studies",
    metadata,
    Column("study_id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("subject", String(32), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("created_utc", String(32), nullable=False),
    Column("record", Text, nullable=False),
    Index("ix_studies_subject", "subject"),
    Index("ix_studies_fingerprint", "fingerprint", unique=True),
)

# key is a keyed hash of path, size, time and given facts: a path can hold a patient's name.
sources = Table(
    "sources",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("study_id", String(64), ForeignKey("studies.study_id", ondelete="CASCADE"), nullable=False),
)

sealed = Table(
    "sealed",
    metadata,
    Column("study_id", String(64), primary_key=True),
    Column("subject", String(32), nullable=False),
    Column("token", LargeBinary, nullable=False),
    Index("ix_sealed_subject", "subject"),
)

tombstones = Table(
    "tombstones",
    metadata,
    Column("subject", String(32), primary_key=True),
    Column("utc", String(32), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("report", Text, nullable=False),
    Column("pending_blobs", Text, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("run_id", String(64), primary_key=True),
    Column("question", Text, nullable=False),
    Column("plan", Text, nullable=False),
    Column("plan_key", String(64), nullable=False),
    Column("study_ids", Text, nullable=False),
    Column("status", String(32), nullable=False),
    Column("answer", Text),
    Column("created_utc", String(32), nullable=False),
    Index("ix_runs_plan_key", "plan_key"),
    Index("ix_runs_created_utc", "created_utc"),
)

run_studies = Table(
    "run_studies",
    metadata,
    Column("run_id", String(64), ForeignKey("runs.run_id"), primary_key=True),
    Column("study_id", String(64), primary_key=True),
    Index("ix_run_studies_study_id", "study_id"),
)

# Append-only: triggers and database.py refuse to change it. artifact names what a step gave; it is no foreign
# key, because an erased patient's artifacts go and the log stays.
events = Table(
    "events",
    metadata,
    Column("run_id", String(64), ForeignKey("runs.run_id"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("utc", String(32), nullable=False),
    Column("actor", Text, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("version", Integer, nullable=False),
    Column("payload", Text, nullable=False),
    Column("artifact", String(64)),
    Index("ix_events_artifact", "artifact"),
    sqlite_with_rowid=False,
)

artifacts = Table(
    "artifacts",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("subject", String(32)),
    Column("data", Text, nullable=False),
    Column("created_utc", String(32), nullable=False),
    Index("ix_artifacts_subject", "subject"),
)

artifact_blobs = Table(
    "artifact_blobs",
    metadata,
    Column("hash", String(64), ForeignKey("artifacts.hash", ondelete="CASCADE"), primary_key=True),
    Column("sha256", String(64), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("media_type", Text, nullable=False),
    Index("ix_artifact_blobs_sha256", "sha256"),
)

step_results = Table(
    "step_results",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("artifact", String(64), ForeignKey("artifacts.hash", ondelete="CASCADE"), nullable=False),
    Column("created_utc", String(32), nullable=False),
    Index("ix_step_results_artifact", "artifact"),
)

feedback = Table(
    "feedback",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("run_id", String(64), ForeignKey("runs.run_id"), nullable=False),
    Column("target", Text, nullable=False),
    Column("verdict", String(32), nullable=False),
    Column("comment", Text, nullable=False),
    Column("correction", String(64)),
    Column("utc", String(32), nullable=False),
    Index("ix_feedback_run_id", "run_id"),
)

# vector is float32, little-endian: the truth from which a collection of the vector store is built, centred.
cases = Table(
    "cases",
    metadata,
    Column("encoder", String(64), primary_key=True),
    Column("study_id", String(64), primary_key=True),
    Column("series", String(255), primary_key=True),
    Column("subject", String(32), nullable=False),
    Column("facts", Text, nullable=False),
    Column("vector", LargeBinary, nullable=False),
    Column("created_utc", String(32), nullable=False),
    Index("ix_cases_subject", "subject"),
)

# built is 0 where the collection lags behind its cases; mean is what its vectors were centred by, of that many cases.
case_collections = Table(
    "case_collections",
    metadata,
    Column("encoder", String(64), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("mean", LargeBinary),
    Column("cases", Integer, nullable=False),
    Column("built", Integer, nullable=False),
)

# given is what the person gave beside the questions (facts, masks, a point), by which a conversation is taken up again.
conversations = Table(
    "conversations",
    metadata,
    Column("conversation_id", String(64), primary_key=True),
    Column("study_ids", Text, nullable=False),
    Column("given", Text, nullable=False),
    Column("created_utc", String(32), nullable=False),
    Index("ix_conversations_created_utc", "created_utc"),
)

conversation_studies = Table(
    "conversation_studies",
    metadata,
    Column("conversation_id", String(64), ForeignKey("conversations.conversation_id"), primary_key=True),
    Column("study_id", String(64), primary_key=True),
    Index("ix_conversation_studies_study_id", "study_id"),
)

# Append-only, like events. parent is the turn in whose state this one was asked, head the one whose state holds after
# it (none: the beginning), so that branches stay. exam is "previous" where the goals are meant of the exam before.
turns = Table(
    "turns",
    metadata,
    Column("conversation_id", String(64), ForeignKey("conversations.conversation_id"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("parent", Integer),
    Column("head", Integer),
    Column("reading", String(16), nullable=False),
    Column("exam", String(16)),
    Column("plan_key", String(64)),
    Column("run_id", String(64)),
    Column("utc", String(32), nullable=False),
    Index("ix_turns_run_id", "run_id"),
)

# What people wrote and what they were told, beside the log: an erasure empties it.
turn_texts = Table(
    "turn_texts",
    metadata,
    Column("conversation_id", String(64), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("question", Text, nullable=False),
    Column("goals", Text, nullable=False),
    Column("plan", Text),
    Column("answer", Text),
)

# What the server acknowledged, before it is answered; data holds what people wrote, and an erasure empties it.
session_turns = Table(
    "session_turns",
    metadata,
    Column("turn_id", String(64), primary_key=True),
    Column("conversation_id", String(64), ForeignKey("conversations.conversation_id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("run_id", String(64)),
    Column("utc", String(32), nullable=False),
    Column("data", Text, nullable=False),
    Index("ix_session_turns_conversation_id", "conversation_id"),
    Index("ix_session_turns_run_id", "run_id"),
)

session_events = Table(
    "session_events",
    metadata,
    Column("conversation_id", String(64), ForeignKey("conversations.conversation_id"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("utc", String(32), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("payload", Text, nullable=False),
)

# root_run is the run that a chain of corrections began with; base and artifact are hashes of artifacts.
corrections = Table(
    "corrections",
    metadata,
    Column("correction_id", String(64), primary_key=True),
    Column("root_run", String(64), ForeignKey("runs.run_id"), nullable=False),
    Column("run_id", String(64), nullable=False),
    Column("step", String(64), nullable=False),
    Column("base", String(64), nullable=False),
    Column("artifact", String(64), nullable=False),
    Column("author", Text, nullable=False),
    Column("child_run", String(64), nullable=False),
    Column("utc", String(32), nullable=False),
    Index("ix_corrections_root_run", "root_run"),
    Index("ix_corrections_child_run", "child_run"),
)

cohorts = Table(
    "cohorts",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("created_utc", String(32), nullable=False),
)

cohort_members = Table(
    "cohort_members",
    metadata,
    Column("name", String(255), ForeignKey("cohorts.name", ondelete="CASCADE"), primary_key=True),
    Column("study_id", String(64), ForeignKey("studies.study_id", ondelete="CASCADE"), primary_key=True),
    Column("added_utc", String(32), nullable=False),
    Index("ix_cohort_members_study_id", "study_id"),
)
