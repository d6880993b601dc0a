"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_ARCHIVE = "sqlite:///evenkeel.db"

ArchiveUrl = Annotated[
    str,
    typer.Option(
        "--archive",
        envvar="EVENKEEL_ARCHIVE",
        metavar="URL",
        help="SQLAlchemy URL of the archive, sqlite:///FILE or postgresql+psycopg://...",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="print the result as JSON on stdout")]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="NAME=VALUE", help="a parameter of the task; `evolve tasks --describe TASK` lists them"
    ),
]
AllowUnsafe = Annotated[
    bool, typer.Option("--allow-unsafe", help="run although the sandbox lacks a required layer; every result says so")
]
Program = Annotated[
    Path, typer.Argument(metavar="PROGRAM", help="a Python file, or the name of a baseline of the task")
]
