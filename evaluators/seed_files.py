"""Where a task's programs are: shipped with us, in the task's folder, or in the package that publishes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from evaluators import registry
from evaluators.sources import read_program

PUBLIC_INITIAL = ("initial_program.py", "initial.py")  # beside an evaluator of the public form


@dataclass(frozen=True, slots=True)
class SeedFiles:
    """The program files of a task."""

    initial: Traversable | None
    baselines: Sequence[Traversable]  # by name


def seed_files(address: str) -> SeedFiles:
    """The programs of the task that `registry.problem` finds by `address`; none where it has none.

    Raises:
        ContractError: A package that publishes the task cannot be imported.
    """
    if registry.is_folder(address):
        folder = Path(address).expanduser().resolve()
        return _in_folder(folder / "seeds") if (folder / "seeds").is_dir() else SeedFiles(_public_initial(folder), ())
    package = registry.published_package(address)
    if package is not None:
        return _in_folder(resources.files(package).joinpath("seeds"))
    return _in_folder(resources.files("seeds").joinpath(address))


def read_named_program(word: Path, task: str) -> str:
    """The text of a program file, or of the task's own program that `word` names where there is no such file.

    Raises:
        ContractError: It is neither, or cannot be read.
    """
    if not word.exists():
        files = seed_files(task)
        shipped = [file for file in (files.initial, *files.baselines) if file is not None]
        for file in shipped:
            if word.name == str(word) and file.name == f"{word}.py":
                return file.read_text(encoding="utf-8")
    return read_program(word)


def _in_folder(folder: Traversable) -> SeedFiles:
    initial, baselines = folder.joinpath("initial.py"), folder.joinpath("baselines")
    files = [file for file in baselines.iterdir() if file.name.endswith(".py")] if baselines.is_dir() else []
    programs = [file for file in files if file.name != "__init__.py"]
    return SeedFiles(initial if initial.is_file() else None, sorted(programs, key=lambda file: file.name))


def _public_initial(folder: Path) -> Traversable | None:
    return next((folder / name for name in PUBLIC_INITIAL if (folder / name).is_file()), None)
