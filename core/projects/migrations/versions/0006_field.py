"""Answers that are kept in the field, with consent, their audits, and what was found all right."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the consent, which nobody has given yet, and the tables."""
    with op.batch_alter_table("projects") as table:
        table.add_column(sa.Column("keep_answers", sa.String(), nullable=False, server_default=""))
    op.create_table(
        "field_answers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("image", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("unknown", sa.Boolean(), nullable=True),
        sa.Column("draw", sa.Double(), nullable=False),
        sa.Column("answered_at", sa.Double(), nullable=False),
        sa.Column("audit_id", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("truth", sa.String(), nullable=False),
        *_of_a_project("field_answers"),
        sa.UniqueConstraint("run_id", "file", name="uq_field_answers_run_id_file"),
    )
    op.create_table(
        "field_audits",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("project_id", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("population", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        *_of_a_project("field_audits"),
    )
    op.create_table(
        "field_normals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.Column("until", sa.Double(), nullable=False),
        *_of_a_project("field_normals"),
    )
    for name in ("field_answers", "field_audits", "field_normals"):
        op.create_index(f"ix_{name}_project_id", name, ["project_id"])
    op.create_index("ix_field_answers_audit_id", "field_answers", ["audit_id"])


def _of_a_project(table: str) -> tuple[sa.Constraint, ...]:
    return (
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=f"fk_{table}_project_id_projects"
        ),
    )


def downgrade() -> None:
    """Drop them again."""
    for name in ("field_normals", "field_audits", "field_answers"):
        op.drop_table(name)
    with op.batch_alter_table("projects") as table:
        table.drop_column("keep_answers")
