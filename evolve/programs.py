"""The programs a run starts with: those a task ships, and files of the user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path

from archive.records import FounderRole
from evaluators.seed_files import seed_files
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
    """The baselines of `task`, a name or a folder, by name; none for a task without seeds."""
    return [_shipped(FounderRole.BASELINE, file) for file in seed_files(task).baselines]


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
    shipped = seed_files(task).initial
    if shipped is None:
        raise ConfigError(f"task {task} ships no initial program: give one with --initial FILE")
    return [_shipped(FounderRole.INITIAL, shipped)]


def _shipped(role: FounderRole, file: Traversable) -> Program:
    return Program(role=role, name=file.name.removesuffix(".py"), source=file.read_text(encoding="utf-8"))
