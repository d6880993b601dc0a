"""`evolve archive ...`: care of the archive itself."""

from __future__ import annotations

import typer

from evolve.cli.options import DEFAULT_ARCHIVE, ArchiveUrl
from evolve.cli.printing import print_text

app = typer.Typer(no_args_is_help=True, help="Care of the archive itself.", rich_markup_mode=None)


@app.callback()
def archive() -> None:
    """Care of the archive itself."""


@app.command()
def upgrade(archive: ArchiveUrl = DEFAULT_ARCHIVE) -> None:
    """Bring an archive of an older Evenkeel to this one's schema; nothing in it is lost."""
    from archive.upgrade import upgrade as upgrade_schema

    upgrade_schema(archive)
    print_text("the archive has the newest schema")
