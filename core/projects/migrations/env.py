"""Run by alembic inside the transaction that `core.projects.database.migrate` opened."""

from alembic import context

from core.projects import people_tables  # noqa: F401 -- tables count once they are imported
from core.projects.database import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
    transactional_ddl=True,  # all or nothing, also on SQLite, where migrate() began by hand
)
with context.begin_transaction():
    context.run_migrations()
