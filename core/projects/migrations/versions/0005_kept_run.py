"""The model that a project keeps, until another is chosen."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the choice; nobody has made it yet."""
    with op.batch_alter_table("projects") as table:
        table.add_column(sa.Column("kept_run", sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    """Drop it again."""
    with op.batch_alter_table("projects") as table:
        table.drop_column("kept_run")
