"""Schema changes, run by alembic without any configuration file.

To add one:

1. change `archive.schema`, and append the new revision to `SCHEMA_VERSIONS`;
2. write ``versions/vNNNN_name.py`` with ``revision = "NNNN"``, and ``down_revision`` the one before;
3. let ``tests/archive/test_migrations.py`` show that both ways lead to the same schema, and that rows survive.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from archive.database import Database
from archive.errors import ArchiveUnavailableError
from archive.opening import check_version, schema_version
from archive.schema import SCHEMA_VERSIONS
from archive.statistics import advise_planner

_HERE = Path(__file__).parent
VERSION_FOLDERS = (_HERE / "versions",)


def migrate(database: Database) -> None:
    """Brings the archive to the newest schema, in one transaction; a current one is left as it is.

    Raises:
        ArchiveUnavailableError: The database is empty.
        NotAnArchiveError: It holds something else.
        SchemaVersionError: It is newer than this code.
    """
    shown = str(database.address)
    with database.writing() as connection:
        found = schema_version(connection, shown)
        if found is None:
            raise ArchiveUnavailableError(f"the archive {shown} is empty; `evolve run` fills it")
        if found not in SCHEMA_VERSIONS:
            check_version(found, shown)
        run_migrations(connection)


def run_migrations(connection: Connection, target: str = "head") -> None:
    """Applies what is missing up to the revision `target`, within the transaction of `connection`."""
    command.upgrade(alembic_config(connection), target)
    advise_planner(connection)


def alembic_config(connection: Connection | None = None) -> Config:
    """What alembic needs to know; the connection goes to ``env.py``, so that no URL is written anywhere."""
    config = Config()
    config.set_main_option("script_location", _escaped(_HERE))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(map(_escaped, VERSION_FOLDERS)))
    config.attributes["connection"] = connection
    return config


def _escaped(path: Path) -> str:
    return str(path).replace("%", "%%")  # a lone % means interpolation to configparser
