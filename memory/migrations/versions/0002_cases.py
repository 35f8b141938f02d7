"""Kept cases and the collections built of their vectors."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes both tables."""
    op.create_table(
        "cases",
        sa.Column("encoder", sa.String(64), nullable=False),
        sa.Column("study_id", sa.String(64), nullable=False),
        sa.Column("series", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(32), nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("vector", sa.LargeBinary, nullable=False),
        sa.Column("created_utc", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("encoder", "study_id", "series", name="pk_cases"),
    )
    op.create_index("ix_cases_subject", "cases", ["subject"])
    op.create_table(
        "case_collections",
        sa.Column("encoder", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("mean", sa.LargeBinary),
        sa.Column("cases", sa.Integer, nullable=False),
        sa.Column("built", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("encoder", name="pk_case_collections"),
    )
