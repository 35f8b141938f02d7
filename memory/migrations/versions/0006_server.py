"""What the server keeps: turns from the moment they are acknowledged, a session's events, people's corrections."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "session_turns",
        sa.Column("turn_id", sa.String(64), nullable=False),
        sa.Column("conversation_id", sa.String(64), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("run_id", sa.String(64)),
        sa.Column("utc", sa.String(32), nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("turn_id", name="pk_session_turns"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.conversation_id"], name="fk_session_turns_conversation_id"
        ),
    )
    op.create_index("ix_session_turns_conversation_id", "session_turns", ["conversation_id"])
    op.create_index("ix_session_turns_run_id", "session_turns", ["run_id"])
    op.create_table(
        "session_events",
        sa.Column("conversation_id", sa.String(64), nullable=False),
        sa.Column("seq", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("utc", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", "seq", name="pk_session_events"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.conversation_id"], name="fk_session_events_conversation_id"
        ),
    )
    op.create_table(
        "corrections",
        sa.Column("correction_id", sa.String(64), nullable=False),
        sa.Column("root_run", sa.String(64), nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("step", sa.String(64), nullable=False),
        sa.Column("base", sa.String(64), nullable=False),
        sa.Column("artifact", sa.String(64), nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("child_run", sa.String(64), nullable=False),
        sa.Column("utc", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("correction_id", name="pk_corrections"),
        sa.ForeignKeyConstraint(["root_run"], ["runs.run_id"], name="fk_corrections_root_run"),
    )
    op.create_index("ix_corrections_root_run", "corrections", ["root_run"])
    op.create_index("ix_corrections_child_run", "corrections", ["child_run"])
