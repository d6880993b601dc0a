"""`evolve dashboard`: the archive in a browser."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from evolve.cli.options import DEFAULT_ARCHIVE, ArchiveUrl

if TYPE_CHECKING:
    from dashboard.facts import TaskFacts


def dashboard(
    archive: ArchiveUrl = DEFAULT_ARCHIVE,
    port: Annotated[int, typer.Option(help="of the web server", min=1, max=65535)] = 8501,
    address: Annotated[str, typer.Option(help="to listen at; 0.0.0.0 shows the archive to the network")] = "localhost",
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="open one")] = True,
) -> None:
    """Serve the archive as web pages, for reading only; runs may be writing meanwhile. Ctrl-C ends it."""
    import os
    from importlib.util import find_spec

    from archive.store import Archive
    from evolve.errors import ConfigError

    if find_spec("streamlit") is None or find_spec("altair") is None:
        raise ConfigError(
            'the dashboard needs Streamlit and Altair; install them with `pip install "evenkeel[dashboard]"`'
        )
    Archive.open(archive, create=False, read_only=True).close()  # what is wrong is said here, not in the browser

    _require_free(address, port)
    from dashboard.launch import server_command, server_environment

    command = server_command(port, address, headless=not browser)
    environment = server_environment(os.environ, archive, _facts())
    os.execve(command[0], command, environment)  # the server takes this process's place, signals included


def _require_free(address: str, port: int) -> None:
    """That nobody listens there yet; the server's own words for it are a line of a log.

    Raises:
        ConfigError: Somebody does, or this machine has no such address.
    """
    import socket

    from evolve.errors import ConfigError

    try:
        family, kind, protocol, _, place = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does: what just ended is free
            probe.bind(place)
    except OSError as error:
        raise ConfigError(
            f"cannot listen at {address}, port {port}: {error.strerror}; choose another with --port or --address"
        ) from error


def _facts() -> list[TaskFacts]:
    """The tasks that load here; of others the archived scores are shown all the same, without a bound."""
    from dashboard.facts import facts_of
    from evaluators import registry
    from evaluators.contract import ContractError

    found = []
    for name in registry.task_names():
        with suppress(ContractError):
            found.append(facts_of(registry.problem(name).task))
    return found
