"""Cohorts, their members, and what was asked of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "cohorts",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("created_utc", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_cohorts"),
    )
    op.create_table(
        "cohort_members",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("study_id", sa.String(64), nullable=False),
        sa.Column("added_utc", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(["name"], ["cohorts.name"], name="fk_cohort_members_name", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["study_id"], ["studies.study_id"], name="fk_cohort_members_study_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("name", "study_id", name="pk_cohort_members"),
    )
    op.create_index("ix_cohort_members_study_id", "cohort_members", ["study_id"])
