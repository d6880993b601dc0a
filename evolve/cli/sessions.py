"""From checked options to an ended run, and the exit status that tells how it ended."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from archive.queries import outcome_counts
from archive.records import FounderRole, Run
from archive.store import Archive
from evaluators import registry
from evaluators.contract import Outcome
from evaluators.problem import Problem
from evaluators.sources import read_assignments
from evolve.choices import ProposerKind
from evolve.cli import report
from evolve.cli.live import watching
from evolve.cli.run import DEFAULT_ATTEMPTS, EXIT_INTERRUPTED, EXIT_NO_SCORE
from evolve.config import RunConfig, build_config, read_config
from evolve.errors import RunError
from evolve.lifecycle import Ending, Lifecycle, timestamp
from evolve.programs import Program, founding_programs, require_blocks
from evolve.progress import Progress
from evolve.session import new_run
from evolve.version import software_version


def read_options(task: str, config: Path | None, settings: Sequence[str], given: Mapping[str, object]) -> RunConfig:
    """The run file, overridden by the options that were given.

    Raises:
        ConfigError: An unknown key or a value out of range.
        ContractError: A setting without ``=``.
    """
    values = read_config(config) if config else {}
    table = values.get("set", {})
    assignments = {**(table if isinstance(table, dict) else {}), **read_assignments(settings)}
    values |= {key: value for key, value in given.items() if value is not None}
    values |= {"task": task, "set": assignments}
    if not {"attempts", "evaluations", "seconds"} & set(values):
        values["attempts"] = DEFAULT_ATTEMPTS
    return build_config(values)


def start(url: str, config: RunConfig, initial: Sequence[Path], start_from: Sequence[str], *, as_json: bool) -> int:
    """A new run, from its rows to its summary; the exit status."""
    problem = registry.problem(config.task).configured(config.set)
    config = config.model_copy(update={"set": dict(problem.task.parameters)})
    programs = founding_programs(config.task, initial)
    with Archive.open(url) as archive:
        programs = _with_ancestors(archive, programs, start_from, replace_initial=bool(start_from) and not initial)
        if config.proposer is ProposerKind.GENETIC:
            require_blocks(programs)
        run = new_run(archive, config, problem.task, programs, software_version(), timestamp())
        return _conduct(archive, run, config, problem, as_json=as_json)


def go_on(url: str, run_id: str, changes: Mapping[str, object], *, as_json: bool) -> int:
    """A run that was interrupted, from where its rows end; the exit status.

    Raises:
        RunError: The task has changed since, so old and new scores would not compare.
    """
    with Archive.open(url, create=False) as archive:
        run = archive.run(run_id)
        config = RunConfig.model_validate_json(run.config)
        config = config.model_copy(update={key: value for key, value in changes.items() if value is not None})
        problem = registry.problem(run.task).configured(config.set)
        if problem.task.identity != run.task_identity:
            raise RunError(
                f"run {run.id} was made with {run.task} {run.task_identity}, this software has "
                f"{problem.task.identity}: their scores do not compare; start a new run with --from ID"
            )
        return _conduct(archive, run, config, problem, as_json=as_json)


def _conduct(archive: Archive, run: Run, config: RunConfig, problem: Problem, *, as_json: bool) -> int:
    progress = Progress(task=run.task, run_id=run.id)
    ending = asyncio.run(_watched(Lifecycle(archive, run, config, problem, progress), progress, config))
    return _conclude(archive, run, ending, as_json=as_json)


async def _watched(lifecycle: Lifecycle, progress: Progress, config: RunConfig) -> Ending:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, lifecycle.stop)
    async with watching(progress, config):
        return await lifecycle.conduct()


def _conclude(archive: Archive, run: Run, ending: Ending, *, as_json: bool) -> int:
    if as_json:
        report.print_run_json(archive, run, ending)
    else:
        report.print_run(archive, run, ending)
    if ending.verdict is None:
        sys.stderr.write(f"run {run.id} was stopped; go on with: evolve resume {run.id}\n")
        return EXIT_INTERRUPTED
    outcomes = outcome_counts(archive, run.id)
    return 0 if outcomes.get(Outcome.SCORED, 0) else EXIT_NO_SCORE


def _with_ancestors(
    archive: Archive, programs: Sequence[Program], start_from: Sequence[str], *, replace_initial: bool
) -> list[Program]:
    """`programs` with archived candidates as further initial programs (or instead of the shipped one)."""
    found = [archive.candidate(candidate_id) for candidate_id in start_from]
    ancestors = [Program(role=FounderRole.INITIAL, name=c.id[:10], source=c.source) for c in found]
    kept = [p for p in programs if p.role is FounderRole.BASELINE or not replace_initial]
    return [*ancestors, *kept]
