"""Hands an archive's placements to the replay on real kernels, which runs as a program of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from archive.queries import leaderboard
from archive.records import LeaderboardRow
from archive.store import Archive
from evaluators.contract import ParameterValue
from evolve.cli.verifying import chosen_rows
from evolve.errors import RunError
from evolve.identity import problem_of

REPLAYED_TASK = "expert_replication"  # the task whose plans are rows for experts
MOST_PROPOSED = 8  # the best programs beside the one asked for; all baselines come too
REPLAY = "evaluators.kernels.replay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayable:
    """Programs of one task identity, and its parameters."""

    programs: Mapping[str, str]  # name to source
    parameters: Mapping[str, ParameterValue]


def replayable(url: str, id_or_prefix: str) -> Replayable:
    """A candidate with the best programs and the baselines of the league that it was last scored in.

    Raises:
        ArchiveError: An unknown or ambiguous id.
        RunError: The candidate is no placement that was scored.
        LostTaskError: Its task cannot be set up again.
    """
    with Archive.open(url, create=False, read_only=True) as archive:
        candidate = archive.candidate(id_or_prefix)
        scored = [row.evaluation for row in chosen_rows(archive.evaluations(candidate.id), everything=True)]
        placed = [evaluation for evaluation in scored if evaluation.task == REPLAYED_TASK]
        if not placed:
            tasks = ", ".join(sorted({evaluation.task for evaluation in scored})) or "no task"
            raise RunError(
                f"--kernels replays placements of {REPLAYED_TASK}; candidate {candidate.id[:10]} was scored on {tasks}"
            )
        identity = placed[-1].task_identity
        problem = problem_of(archive, REPLAYED_TASK, identity)
        rows = leaderboard(archive, task_identity=identity)
        named = {_name(row): row.candidate_id for row in _chosen(rows, candidate.id)}
        programs = {name: archive.candidate(of).source for name, of in named.items()}
    programs[candidate.id[:10]] = candidate.source
    return Replayable(programs=programs, parameters=problem.task.parameters)


def replay(found: Replayable, words: Sequence[str]) -> int:
    """Run the replay, its output on ours; its exit status. `words` are further ones of its command line."""
    settings = [word for name, value in found.parameters.items() for word in ("--set", f"{name}={value}")]
    with TemporaryDirectory(prefix="evenkeel-replay-") as folder:
        paths = [_written(Path(folder) / f"{name}.py", source) for name, source in found.programs.items()]
        command = [sys.executable, "-m", REPLAY, *settings, *words, "--programs", *map(str, paths)]
        return subprocess.run(command, check=False).returncode


def _chosen(rows: Sequence[LeaderboardRow], asked_for: str) -> list[LeaderboardRow]:
    """The best proposed programs and every baseline, each once."""
    others = [row for row in rows if row.candidate_id != asked_for]
    baselines = [row for row in others if row.baseline]
    return [*[row for row in others if not row.baseline][:MOST_PROPOSED], *baselines]


def _name(row: LeaderboardRow) -> str:
    return row.name if row.baseline else row.candidate_id[:10]


def _written(path: Path, source: str) -> Path:
    path.write_text(source, encoding="utf-8")
    return path
