"""Conversations and their append-only turns; what people wrote lies beside the log, where an erasure empties it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_LOG = "the log of turns is append-only"


def upgrade() -> None:
    """Makes the tables and the triggers of the log."""
    op.create_table(
        "conversations",
        sa.Column("conversation_id", sa.String(64), nullable=False),
        sa.Column("study_ids", sa.Text, nullable=False),
        sa.Column("given", sa.Text, nullable=False),
        sa.Column("created_utc", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", name="pk_conversations"),
    )
    op.create_index("ix_conversations_created_utc", "conversations", ["created_utc"])
    op.create_table(
        "conversation_studies",
        sa.Column("conversation_id", sa.String(64), nullable=False),
        sa.Column("study_id", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", "study_id", name="pk_conversation_studies"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.conversation_id"], name="fk_conversation_studies_conversation_id"
        ),
    )
    op.create_index("ix_conversation_studies_study_id", "conversation_studies", ["study_id"])
    op.create_table(
        "turns",
        sa.Column("conversation_id", sa.String(64), nullable=False),
        sa.Column("seq", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("parent", sa.Integer),
        sa.Column("head", sa.Integer),
        sa.Column("reading", sa.String(16), nullable=False),
        sa.Column("exam", sa.String(16)),
        sa.Column("plan_key", sa.String(64)),
        sa.Column("run_id", sa.String(64)),
        sa.Column("utc", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", "seq", name="pk_turns"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.conversation_id"], name="fk_turns_conversation_id"
        ),
    )
    op.create_index("ix_turns_run_id", "turns", ["run_id"])
    op.create_table(
        "turn_texts",
        sa.Column("conversation_id", sa.String(64), nullable=False),
        sa.Column("seq", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("goals", sa.Text, nullable=False),
        sa.Column("plan", sa.Text),
        sa.Column("answer", sa.Text),
        sa.PrimaryKeyConstraint("conversation_id", "seq", name="pk_turn_texts"),
    )
    for statement in _append_only(op.get_bind().dialect.name):
        op.execute(statement)


def _append_only(dialect: str) -> list[str]:
    if dialect == "sqlite":
        same = "(SELECT 1 FROM turns WHERE conversation_id = NEW.conversation_id AND seq = NEW.seq)"
        refuse = f"BEGIN SELECT RAISE(ABORT, '{_LOG}'); END"
        return [
            f"CREATE TRIGGER turns_no_update BEFORE UPDATE ON turns {refuse}",
            f"CREATE TRIGGER turns_no_delete BEFORE DELETE ON turns {refuse}",
            f"CREATE TRIGGER turns_no_replace BEFORE INSERT ON turns WHEN EXISTS {same} {refuse}",
        ]
    if dialect == "postgresql":
        refuse = f"BEGIN RAISE EXCEPTION '{_LOG}'; END"
        when = "BEFORE UPDATE OR DELETE OR TRUNCATE"
        return [
            f"CREATE FUNCTION turns_refuse() RETURNS trigger AS $$ {refuse} $$ LANGUAGE plpgsql",
            f"CREATE TRIGGER turns_no_change {when} ON turns FOR EACH STATEMENT EXECUTE FUNCTION turns_refuse()",
        ]
    return []
