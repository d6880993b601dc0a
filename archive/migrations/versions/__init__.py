"""One file per revision; alembic loads them by their path."""
