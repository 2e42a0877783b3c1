"""Texts that wait for a signed statement, and a way to an employer's facts of one kind."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing that is there changes."""
    op.create_table(
        "deposited_text",
        sa.Column("employer", sa.Text(), sa.ForeignKey("employer.id"), nullable=False),
        sa.Column("commitment", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("deposited", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("employer", "commitment"),
        comment="Text that waits for the statement which commits to it; a statement carries no text.",
    )
    op.create_index("ix_ledger_leaf_employer_kind_seq", "ledger_leaf", ["employer", "kind", "seq"])


def downgrade() -> None:
    """Deposited texts are lost; everything recorded stays."""
    op.drop_index("ix_ledger_leaf_employer_kind_seq", table_name="ledger_leaf")
    op.drop_table("deposited_text")
