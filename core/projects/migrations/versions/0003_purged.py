"""When the deletion of a project or a run became final: from then on nothing brings it back."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the time at which deleting for good began; so far it never did."""
    for name in ("projects", "runs"):
        with op.batch_alter_table(name) as table:
            table.add_column(sa.Column("purged_at", sa.Double(), nullable=True))


def downgrade() -> None:
    """Drop it again."""
    for name in ("projects", "runs"):
        with op.batch_alter_table(name) as table:
            table.drop_column("purged_at")
