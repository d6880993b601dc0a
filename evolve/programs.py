"""The programs a run starts with: shipped seeds, and files of the user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from archive.records import FounderRole
from evaluators.sources import read_program
from evolve.blocks import END, START, find_blocks
from evolve.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program before it is a candidate."""

    role: FounderRole
    name: str
    source: str


def founding_programs(task: str, initial: Sequence[Path]) -> list[Program]:
    """The initial programs (the user's, or the shipped one), then every shipped baseline by name.

    Raises:
        ConfigError: There is no initial program at all.
        ContractError: A user's file cannot be read.
    """
    return [*_initial_programs(task, initial), *baselines(task)]


def baselines(task: str) -> list[Program]:
    """The shipped baselines of `task`, by name; none for a task without seeds."""
    folder = _seeds(task) / "baselines"
    if not folder.is_dir():
        return []
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".py")), key=lambda file: file.name)
    return [_shipped(FounderRole.BASELINE, file) for file in files]


def require_blocks(programs: Sequence[Program]) -> None:
    """That every initial program says what may change in it.

    Raises:
        ConfigError: One has no EVOLVE-BLOCK.
        BlockError: Its markers do not pair up.
    """
    for program in programs:
        if program.role is FounderRole.INITIAL and not find_blocks(program.source):
            raise ConfigError(
                f"the initial program {program.name} has no EVOLVE-BLOCK, so nothing in it may change: "
                f"put {START!r} and {END!r} lines around what evolution may rewrite"
            )


def _initial_programs(task: str, initial: Sequence[Path]) -> list[Program]:
    if initial:
        return [Program(role=FounderRole.INITIAL, name=path.stem, source=read_program(path)) for path in initial]
    shipped = _seeds(task) / "initial.py"
    if not shipped.is_file():
        raise ConfigError(f"task {task} ships no initial program: give one with --initial FILE")
    return [_shipped(FounderRole.INITIAL, shipped)]


def _shipped(role: FounderRole, file: Traversable) -> Program:
    return Program(role=role, name=file.name.removesuffix(".py"), source=file.read_text(encoding="utf-8"))


def _seeds(task: str) -> Traversable:
    return resources.files("seeds").joinpath(task)
