"""Nobody changes or deletes a line of the audit log; who made a version of the images."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_REFUSED = "the audit log is append-only"
_SQLITE = {
    "deeds_no_update": "BEFORE UPDATE ON deeds",
    "deeds_no_delete": "BEFORE DELETE ON deeds",
    # INSERT OR REPLACE deletes without asking the trigger before.
    "deeds_no_replace": "BEFORE INSERT ON deeds WHEN NEW.id IN (SELECT id FROM deeds)",
}


def upgrade() -> None:
    """Have the database itself refuse; a version of before was made by nobody known."""
    with op.batch_alter_table("project_datasets") as table:
        table.add_column(sa.Column("made_by", sa.String(), nullable=False, server_default=""))
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION deeds_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{_REFUSED}'; END $$"
        )
        op.execute(
            "CREATE TRIGGER deeds_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON deeds "
            "FOR EACH STATEMENT EXECUTE FUNCTION deeds_append_only()"
        )
        return
    for name, when in _SQLITE.items():
        op.execute(f"CREATE TRIGGER {name} {when} BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END")


def downgrade() -> None:
    """Let go of it again."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER deeds_append_only ON deeds")
        op.execute("DROP FUNCTION deeds_append_only()")
    else:
        for name in _SQLITE:
            op.execute(f"DROP TRIGGER {name}")
    with op.batch_alter_table("project_datasets") as table:
        table.drop_column("made_by")
