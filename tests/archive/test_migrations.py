from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from archive import migrations, schema
from archive.address import Address
from archive.database import Database
from archive.errors import ArchiveError, ArchiveUnavailableError, SchemaVersionError
from archive.store import Archive
from archive.upgrade import upgrade
from tests.archive import samples
from tests.archive.samples import RUN_ID, a_candidate, a_run, an_attempt, an_evaluation
from tests.postgres import PostgresServer

LATER = Path(__file__).parent / "later_versions"


@pytest.fixture
def later_evenkeel(monkeypatch: pytest.MonkeyPatch) -> None:
    """This code as it may be after the next schema change."""
    monkeypatch.setattr(migrations, "VERSION_FOLDERS", (*migrations.VERSION_FOLDERS, LATER))
    monkeypatch.setattr(schema, "SCHEMA_VERSIONS", (*schema.SCHEMA_VERSIONS, "0008"))


def test_known_versions_are_the_migrations() -> None:
    script = ScriptDirectory.from_config(migrations.alembic_config())
    revisions = [revision.revision for revision in script.walk_revisions()]
    assert tuple(reversed(revisions)) == schema.SCHEMA_VERSIONS


def test_migrated_schema_is_the_created_one_on_sqlite(tmp_path: Path) -> None:
    urls = [f"sqlite:///{tmp_path}/{name}.db" for name in ("created", "migrated")]
    Archive.open(urls[0]).close()
    _migrate_empty(urls[1])
    wanted = sa.text("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name")
    created, migrated = (_rows(url, wanted) for url in urls)
    assert len(created) > 25
    assert migrated == created


def test_migrated_schema_is_the_created_one_on_postgres(postgres: PostgresServer) -> None:
    urls = [postgres.new_schema(), postgres.new_schema()]
    Archive.open(urls[0]).close()
    _migrate_empty(urls[1])
    for wanted in (
        "SELECT table_name, ordinal_position, column_name, data_type, is_nullable, column_default, is_identity "
        "FROM information_schema.columns WHERE table_schema = current_schema() ORDER BY 1, 2",
        "SELECT indexname, replace(indexdef, schemaname, '') FROM pg_indexes "
        "WHERE schemaname = current_schema() ORDER BY 1",
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE connamespace = current_schema()::regnamespace ORDER BY 1, 2",
    ):
        created, migrated = (_rows(url, sa.text(wanted)) for url in urls)
        assert len(created) > 20
        assert migrated == created


def test_code_describes_the_schema_it_makes(any_url: str) -> None:
    with Archive.open(any_url) as archive, archive.reading() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": schema.VERSION_TABLE})
        assert compare_metadata(context, schema.metadata) == []


def test_upgrade_keeps_every_row(any_url: str, later_evenkeel: None) -> None:
    _migrate_empty(any_url, "0001")
    with pytest.raises(SchemaVersionError, match="evolve archive upgrade"):
        Archive.open(any_url)
    _migrate_empty(any_url, "0007")
    filled = _fill(any_url)
    _write(
        any_url,
        "DROP TABLE tasks",
        "DROP TABLE embeddings",
        "CREATE TABLE elites (cell TEXT)",
        "ALTER TABLE instances DROP COLUMN behaviour",
        "ALTER TABLE notes DROP COLUMN attempt_index",
        f"UPDATE {schema.VERSION_TABLE} SET version_num = '0003'",
    )
    upgrade(any_url)
    with Archive.open(any_url) as archive:
        assert _content(archive) == filled
        archive.add_run(a_run("eeeeeeee"))
        with archive.reading() as connection:
            assert connection.execute(sa.text("SELECT DISTINCT mood FROM runs")).scalars().all() == ["calm"]


def test_upgrade_finds_parameters_in_the_runs(any_url: str) -> None:
    _migrate_empty(any_url, "0006")
    with Archive(Database(Address.parse(any_url))) as archive:
        archive.add_run(a_run())
        archive.add_run(a_run("bbbbbbbb"))
    upgrade(any_url)
    wanted = sa.select(schema.tasks.c.task, schema.tasks.c.task_identity)
    assert _rows(any_url, wanted) == [("toy", a_run().task_identity)]
    with Archive.open(any_url) as archive:
        archive.add_candidate(a_candidate(1))
        evaluation = replace(an_evaluation(), parameters=None)
        archive.add_evaluation(a_candidate(1).id, evaluation, samples.a_key(a_candidate(1).id, evaluation))
        assert archive.evaluations(a_candidate(1).id)[0].evaluation.parameters == a_run().parameters


def test_upgrade_of_a_current_archive_changes_nothing(any_url: str) -> None:
    with Archive.open(any_url) as archive:
        samples.begin(archive)
    upgrade(any_url)
    with Archive.open(any_url) as archive:
        assert archive.runs() == [a_run()]


def test_upgrade_makes_no_archive(any_url: str) -> None:
    with pytest.raises(ArchiveUnavailableError):
        upgrade(any_url)
    with pytest.raises(ArchiveError):
        Archive.open(any_url, create=False)


def test_upgrade_that_fails_changes_nothing(
    any_url: str, later_evenkeel: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    _migrate_empty(any_url, "0001")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("alembic.ddl.impl.DefaultImpl._exec", interrupt)
    with pytest.raises(KeyboardInterrupt):
        upgrade(any_url)
    assert _rows(any_url, sa.select(schema.version)) == [("0001",)]


def _migrate_empty(url: str, target: str = "head") -> None:
    database = Database(Address.parse(url))
    with database.writing() as connection:
        migrations.run_migrations(connection, target)
    database.close()


def _rows(url: str, wanted: sa.Executable) -> list[tuple[object, ...]]:
    database = Database(Address.parse(url))
    with database.reading() as connection:
        rows = [tuple(row) for row in connection.execute(wanted)]
    database.close()
    return rows


def _write(url: str, *statements: str) -> None:
    database = Database(Address.parse(url))
    with database.writing() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
    database.close()


def _fill(url: str) -> object:
    """Rows of most tables in an archive whose schema this code knows."""
    with Archive(Database(Address.parse(url))) as archive:
        samples.begin(archive)
        samples.finish(archive, an_attempt(), a_candidate(1), an_evaluation())
        return _content(archive)


def _content(archive: Archive) -> object:
    return (
        archive.runs(),
        archive.attempts(RUN_ID),
        archive.evaluations_of_run(RUN_ID),
        archive.candidate(a_candidate(1).id),
    )
