"""Where a run comes from: Graft made it by itself, or a person asked for it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the origin. Until now it showed only in the title that such a run was given."""
    with op.batch_alter_table("runs") as table:
        table.add_column(sa.Column("origin", sa.String(), nullable=False, server_default="user"))
    op.execute("UPDATE runs SET origin = 'automatic' WHERE title = 'First model'")


def downgrade() -> None:
    """Drop it again."""
    with op.batch_alter_table("runs") as table:
        table.drop_column("origin")
