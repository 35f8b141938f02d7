"""The first tables, and the triggers that keep the event log append-only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_LOG = "the event log is append-only"


def upgrade() -> None:
    """Makes all tables."""
    op.create_table(
        "studies",
        sa.Column("study_id", sa.String(64), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("subject", sa.String(32), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("created_utc", sa.String(32), nullable=False),
        sa.Column("record", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("study_id", name="pk_studies"),
    )
    op.create_index("ix_studies_subject", "studies", ["subject"])
    op.create_index("ix_studies_fingerprint", "studies", ["fingerprint"], unique=True)
    op.create_table(
        "sources",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("study_id", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_sources"),
        sa.ForeignKeyConstraint(["study_id"], ["studies.study_id"], name="fk_sources_study_id", ondelete="CASCADE"),
    )
    op.create_table(
        "sealed",
        sa.Column("study_id", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(32), nullable=False),
        sa.Column("token", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("study_id", name="pk_sealed"),
    )
    op.create_index("ix_sealed_subject", "sealed", ["subject"])
    op.create_table(
        "tombstones",
        sa.Column("subject", sa.String(32), nullable=False),
        sa.Column("utc", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("report", sa.Text, nullable=False),
        sa.Column("pending_blobs", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("subject", "utc", name="pk_tombstones"),
    )
    _runs()
    _artifacts()
    for statement in _append_only(op.get_bind().dialect.name):
        op.execute(sa.text(statement))


def downgrade() -> None:
    """Refused: it would delete what people did."""
    raise NotImplementedError("The first migration cannot be undone without deleting everything: delete the home.")


def _runs() -> None:
    op.create_table(
        "runs",
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("plan_key", sa.String(64), nullable=False),
        sa.Column("study_ids", sa.Text, nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("answer", sa.Text),
        sa.Column("created_utc", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name="pk_runs"),
    )
    op.create_index("ix_runs_plan_key", "runs", ["plan_key"])
    op.create_index("ix_runs_created_utc", "runs", ["created_utc"])
    op.create_table(
        "run_studies",
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("study_id", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "study_id", name="pk_run_studies"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"], name="fk_run_studies_run_id"),
    )
    op.create_index("ix_run_studies_study_id", "run_studies", ["study_id"])
    op.create_table(
        "events",
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("seq", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("utc", sa.String(32), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("artifact", sa.String(64)),
        sa.PrimaryKeyConstraint("run_id", "seq", name="pk_events"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"], name="fk_events_run_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_events_artifact", "events", ["artifact"])
    op.create_table(
        "feedback",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("verdict", sa.String(32), nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("correction", sa.String(64)),
        sa.Column("utc", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_feedback"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"], name="fk_feedback_run_id"),
    )
    op.create_index("ix_feedback_run_id", "feedback", ["run_id"])


def _artifacts() -> None:
    op.create_table(
        "artifacts",
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(32)),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("created_utc", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_artifacts"),
    )
    op.create_index("ix_artifacts_subject", "artifacts", ["subject"])
    op.create_table(
        "artifact_blobs",
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("hash", "sha256", name="pk_artifact_blobs"),
        sa.ForeignKeyConstraint(["hash"], ["artifacts.hash"], name="fk_artifact_blobs_hash", ondelete="CASCADE"),
    )
    op.create_index("ix_artifact_blobs_sha256", "artifact_blobs", ["sha256"])
    op.create_table(
        "step_results",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("artifact", sa.String(64), nullable=False),
        sa.Column("created_utc", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_step_results"),
        sa.ForeignKeyConstraint(["artifact"], ["artifacts.hash"], name="fk_step_results_artifact", ondelete="CASCADE"),
    )
    op.create_index("ix_step_results_artifact", "step_results", ["artifact"])


def _append_only(dialect: str) -> list[str]:
    if dialect == "sqlite":
        same = "(SELECT 1 FROM events WHERE run_id = NEW.run_id AND seq = NEW.seq)"
        refuse = f"BEGIN SELECT RAISE(ABORT, '{_LOG}'); END"
        return [
            f"CREATE TRIGGER events_no_update BEFORE UPDATE ON events {refuse}",
            f"CREATE TRIGGER events_no_delete BEFORE DELETE ON events {refuse}",
            # INSERT OR REPLACE deletes the old row without asking the delete trigger.
            f"CREATE TRIGGER events_no_replace BEFORE INSERT ON events WHEN EXISTS {same} {refuse}",
        ]
    if dialect == "postgresql":
        refuse = f"BEGIN RAISE EXCEPTION '{_LOG}'; END"
        when = "BEFORE UPDATE OR DELETE OR TRUNCATE"
        return [
            f"CREATE FUNCTION events_refuse() RETURNS trigger AS $$ {refuse} $$ LANGUAGE plpgsql",
            f"CREATE TRIGGER events_no_change {when} ON events FOR EACH STATEMENT EXECUTE FUNCTION events_refuse()",
        ]
    return []
