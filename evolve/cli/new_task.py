"""`evolve new-task`: a task of one's own, to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evolve.cli.printing import print_text


def new_task(
    folder: Annotated[
        Path, typer.Argument(metavar="NAME", help="of the task; with folders in front, where it is made")
    ],
) -> None:
    """Make a folder with a small task that works, to be rewritten into one of your own."""
    from evaluators import registry
    from evolve import scaffold

    name = folder.name
    scaffold.check_name(name, registry.task_names())
    for path in scaffold.write(folder, name):
        print_text(str(path))
    where = folder if folder.is_absolute() or folder.parts[0] == ".." else f"./{folder}"
    print_text(f"\nIt works as it is: evolve run {where} --attempts 50")
