"""Passwords that were tried lately, which all web processes count together."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "attempts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_attempts"),
    )
    for column in ("name", "address", "at"):
        op.create_index(f"ix_attempts_{column}", "attempts", [column])


def downgrade() -> None:
    """Forget them."""
    op.drop_table("attempts")
