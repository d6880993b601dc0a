"""Run by alembic, which names the file; the connection and its transaction are `archive.migrations`' own."""

from __future__ import annotations

from alembic import context

from archive.schema import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,  # SQLite alters a table by making a new one
)
context.run_migrations()
