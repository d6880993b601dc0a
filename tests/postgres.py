"""A throw-away PostgreSQL server from the binaries of the machine, run by an ordinary user."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg
import pytest

LOCKED_USER = "locked"  # may log in with a password only
LOCKED_PASSWORD = "correct-horse"

_HBA = f"""
host all {LOCKED_USER} 127.0.0.1/32 scram-sha-256
host all all 127.0.0.1/32 trust
local all all trust
"""
_SETTINGS = {"fsync": "off", "full_page_writes": "off", "max_connections": "50", "listen_addresses": "127.0.0.1"}


def find_binaries() -> Path | None:
    """The folder of `initdb` and `pg_ctl`, the newest version first; None where PostgreSQL is not installed."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -float(path.parent.name))
    on_path = [Path(found).parent for found in [shutil.which("initdb")] if found]
    return next((folder for folder in [*debian, *on_path] if (folder / "pg_ctl").exists()), None)


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server; each test takes a database of its own."""

    binaries: Path
    folder: Path
    port: int
    _numbers: Iterator[int] = field(default_factory=count)

    def new_database(self) -> str:
        """The URL of a new, empty database."""
        name = f"archive{next(self._numbers)}"
        self.run_sql(self.url, f"CREATE DATABASE {name}")
        return self.url.rpartition("/")[0] + f"/{name}"

    def new_schema(self) -> str:
        """The URL of a new, empty schema: as good as a database, and made without copying one."""
        name = f"archive{next(self._numbers)}"
        self.run_sql(self.url, f"CREATE SCHEMA {name}")
        return f"{self.url}?options=-csearch_path%3D{name}"

    @property
    def url(self) -> str:
        """The server's own database."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/postgres"

    def run_sql(self, url: str, statement: str) -> None:
        """Executes `statement` in the database of `url`, past the archive."""
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A server in a temporary folder, on loopback and a unix socket; skips the test aloud where there is none."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed (looked in /usr/lib/postgresql and PATH): its archive is NOT tested")
    with tempfile.TemporaryDirectory(prefix="evenkeel-pg-", ignore_cleanup_errors=True) as name:
        server = PostgresServer(binaries, Path(name), free_port())
        user = _ordinary_user()
        if user is not None:
            os.chown(name, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
        _start(server, user)
        try:
            yield server
        finally:
            _run(user, binaries / "pg_ctl", "-D", server.folder / "data", "-m", "immediate", "-w", "stop")


def _start(server: PostgresServer, user: str | None) -> None:
    data, binaries = server.folder / "data", server.binaries
    options = ["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync", "--wal-segsize=1"]
    _run(user, binaries / "initdb", "-D", data, *options)
    (data / "pg_hba.conf").write_text(_HBA)
    settings = _SETTINGS | {"port": str(server.port), "unix_socket_directories": str(server.folder)}
    arguments = " ".join(f"-c {key}='{value}'" for key, value in settings.items())
    _run(user, binaries / "pg_ctl", "-D", data, "-w", "-t", "60", "-l", server.folder / "log", "-o", arguments, "start")
    server.run_sql(server.url, f"CREATE ROLE {LOCKED_USER} LOGIN PASSWORD '{LOCKED_PASSWORD}'")


def _run(user: str | None, program: Path, *arguments: str | Path) -> None:
    """Runs `program` as `user`, and shows what it said if it fails."""
    done = subprocess.run(
        [program, *arguments],
        user=user,
        group=None if user is None else pwd.getpwnam(user).pw_gid,
        extra_groups=None if user is None else [],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # not a pipe: the server would keep it open
        stderr=subprocess.DEVNULL,
        timeout=120,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{program.name} {' '.join(map(str, arguments))} ended with status {done.returncode}")


def _ordinary_user() -> str | None:
    """Whom to run the server as; None for ourselves. It refuses to run as root."""
    if os.getuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in known)


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
