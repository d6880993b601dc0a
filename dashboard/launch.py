"""The command that serves the dashboard, and its environment."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from dashboard.facts import TaskFacts, facts_to_json
from dashboard.palette import BLUE, SKY
from dashboard.settings import ARCHIVE_VARIABLE, TASKS_VARIABLE

APP = Path(__file__).with_name("app.py")


def server_command(port: int, address: str, *, headless: bool) -> list[str]:
    """The words that start the server; nothing is sent to anyone else, and no file is watched."""
    options = {
        "server.port": port,
        "server.address": address,
        "server.headless": str(headless).lower(),
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        "theme.light.primaryColor": BLUE,  # by ground: a colour for both would end the dark theme
        "theme.dark.primaryColor": SKY,
    }
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    return [sys.executable, "-m", "streamlit", "run", str(APP), *words]


def server_environment(inherited: Mapping[str, str], archive_url: str, tasks: Iterable[TaskFacts]) -> dict[str, str]:
    """`inherited` with what `dashboard.settings` reads."""
    return {**inherited, ARCHIVE_VARIABLE: archive_url, TASKS_VARIABLE: facts_to_json(tasks)}
