"""Which of a project's dataset versions is in use: the one that was chosen last."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the time at which a version was last chosen; so far that was when it was made."""
    with op.batch_alter_table("project_datasets") as table:
        table.add_column(sa.Column("chosen_at", sa.Double(), nullable=False, server_default="0"))
    op.execute("UPDATE project_datasets SET chosen_at = created_at")


def downgrade() -> None:
    """Drop it again."""
    with op.batch_alter_table("project_datasets") as table:
        table.drop_column("chosen_at")
