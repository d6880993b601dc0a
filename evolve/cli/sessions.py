"""From checked options to an ended run, and the exit status that tells how it ended."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeAlias, TypeVar

from archive.queries import TWIN, outcome_counts
from archive.records import FounderRole, Run
from archive.run_views import rejections
from archive.store import Archive
from evaluators import registry
from evaluators.contract import SELF_SCORED, Outcome
from evaluators.problem import Problem
from evaluators.sources import read_assignments
from evolve.choices import ProposerKind
from evolve.cli import report
from evolve.cli.live import watching
from evolve.cli.run import DEFAULT_ATTEMPTS, EXIT_INTERRUPTED, EXIT_NO_SCORE
from evolve.config import RunConfig, build_config, changed_config, read_config
from evolve.errors import ConfigError, RunError
from evolve.execution.opening import require_libraries
from evolve.llm.catalogue import build_catalogue, read_judge, read_model
from evolve.llm.recording import is_recording, read_recording, record_run
from evolve.models import announce_models, may_run_out
from evolve.programs import Program, founding_programs, require_blocks
from evolve.repetition import config_of, repeated_config, require_same_task, wishes_of
from evolve.run.lifecycle import WAITING, Ending, Lifecycle, timestamp
from evolve.run.progress import Progress
from evolve.run.session import RunIdentity, new_run
from evolve.version import software_version

BUDGETS = frozenset({"attempts", "evaluations", "seconds"})  # that end any run; see `may_run_out` for the others
OF_A_SESSION = frozenset({"seconds", "workers"})  # options of `evolve resume` that are not stored with the run
T = TypeVar("T")
Conduct: TypeAlias = Callable[[Archive, Run, RunConfig, Problem], T]


def read_options(
    task: str, config: Path | None, settings: Sequence[str], given: Mapping[str, object], models: Sequence[str] = ()
) -> RunConfig:
    """The run file, overridden by the options that were given.

    Raises:
        ConfigError: An unknown key or a value out of range.
        ContractError: A setting without ``=``.
    """
    values = read_config(config) if config else {}
    values |= _models(values.pop("models", []), values.pop("judge", None), models)
    if "embedding" in values:
        values["embedding"] = read_model(values["embedding"], "[embedding]", os.environ)
    table = values.get("set", {})
    assignments = {**(table if isinstance(table, dict) else {}), **read_assignments(settings)}
    values |= {key: value for key, value in given.items() if value is not None}
    values |= {"task": task, "set": assignments}
    if values["models"]:
        values.setdefault("proposer", ProposerKind.OPENAI)
    if models and values["proposer"] != ProposerKind.OPENAI:
        raise ConfigError(
            f"--model {models[0]} is for the proposer `openai`, but the run has --proposer {values['proposer']}: "
            "leave one of the two out"
        )
    return build_config(values)


def _models(tables: object, judge: object, options: Sequence[str]) -> dict[str, object]:
    """The models of the run file and of ``--model``, the judge that may be one of them, and their declared prices."""
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ConfigError(f"models: expected [[models]] tables in the run file, found {str(tables)[:80]}")
    catalogue = build_catalogue(options, tables, os.environ)
    if judge is None:
        return {"models": catalogue.specs, "model_prices": dict(catalogue.prices)}
    spec, price = read_judge(judge, catalogue.specs, os.environ)
    return {"models": catalogue.specs, "judge": spec, "model_prices": {**catalogue.prices, **price}}


def start(url: str, config: RunConfig, initial: Sequence[Path], start_from: Sequence[str], *, as_json: bool) -> int:
    """A new run, from its rows to its summary; the exit status."""
    return begin(url, config, initial, start_from, partial(_conduct, as_json=as_json, resumed=False))


def begin(url: str, config: RunConfig, initial: Sequence[Path], start_from: Sequence[str], conduct: Conduct[T]) -> T:
    """A new run from its rows on; what `conduct` makes of it."""
    if config.proposer is ProposerKind.RECORDED:
        _require_record(config, start_from)
        if start_from or is_recording(Path(config.replies)):
            return _replay(url, config, start_from, conduct)
    if config.model_fields_set.isdisjoint(BUDGETS) and not may_run_out(config):
        config = config.model_copy(update={"attempts": DEFAULT_ATTEMPTS})
    problem = registry.problem(config.task).configured(config.set)
    config = config.model_copy(update={"task": problem.task.address, "set": dict(problem.task.parameters)})
    programs = founding_programs(problem.task.programs, initial)
    require_libraries(problem.task)
    if problem.task.caveat:
        sys.stderr.write(f"{problem.task.name}: {problem.task.caveat}\n")
    if config.proposer is not ProposerKind.RECORDED:
        announce_models(config, problem.task, programs)
    with Archive.open(url) as archive:
        programs = _with_ancestors(archive, programs, start_from, replace_initial=bool(start_from) and not initial)
        if config.proposer is not ProposerKind.RECORDED:
            require_blocks(programs)
        run = new_run(archive, config, problem.task, programs, software_version(), timestamp())
        return conduct(archive, run, config, problem)


def _require_record(config: RunConfig, start_from: Sequence[str]) -> None:
    """That there is something to play again, before anything is created.

    Raises:
        ConfigError: There is not.
    """
    if start_from:
        return
    if not config.replies:
        raise ConfigError("the proposer `recorded` needs what it plays: --from RUN, or --replies FILE")
    if not Path(config.replies).is_file():
        raise ConfigError(f"there is no file {config.replies} to be played by the proposer `recorded`")


def _replay(url: str, config: RunConfig, source: Sequence[str], conduct: Conduct[T]) -> T:
    """A run whose model calls come from an earlier one, of this archive or of a file."""
    if len(source) > 1:
        raise ConfigError(f"expected one run to repeat, found {' '.join(source)}")
    with Archive.open(url) as archive:
        if source:
            recording = record_run(archive, archive.run(source[0]))
            origin: dict[str, object] = {"recorded_run": source[0]}
        else:
            recording = read_recording(Path(config.replies))
            origin = {"replies": config.replies}
        in_folder = registry.is_folder(config.task)
        address = config.task if in_folder else recording.task
        problem = registry.problem(address).configured(config_of(recording).set)
        require_same_task(recording, problem.task.name if in_folder else config.task, problem.task)
        require_libraries(problem.task)
        origin["task"] = problem.task.address  # the folder may be elsewhere by now
        wishes = wishes_of(config, recording)
        repeated = repeated_config(recording, workers=config.workers, origin=origin, wishes=wishes)
        programs = [Program(role=p.role, name=p.name, source=p.source) for p in recording.founders]
        identity = RunIdentity(recording.seed, recording.secret)
        run = new_run(archive, repeated, problem.task, programs, software_version(), timestamp(), identity)
        return conduct(archive, run, repeated, problem)


def go_on(url: str, run_id: str, changes: Mapping[str, object], *, as_json: bool) -> int:
    """A run that was interrupted, from where its rows end; the exit status."""
    return go_on_with(url, run_id, changes, partial(_conduct, as_json=as_json, resumed=True))


def go_on_with(url: str, run_id: str, changes: Mapping[str, object], conduct: Conduct[T]) -> T:
    """A run that was interrupted, from where its rows end; what `conduct` makes of it.

    Budgets that are raised stay raised, and another final tier stays; `OF_A_SESSION` hold for this one alone.

    Raises:
        ConfigError: A value out of range.
        RunError: The task has changed since, so old and new scores would not compare.
    """
    given = {key: value for key, value in changes.items() if value is not None}
    lasting = {key: value for key, value in given.items() if key not in OF_A_SESSION}
    with Archive.open(url, create=False) as archive:
        run = archive.run(run_id)
        config = changed_config(RunConfig.model_validate_json(run.config), lasting)
        _remark_on_attempts(archive, run, lasting.get("attempts"))
        if lasting:
            run = replace(run, config=config.model_dump_json())
        config = changed_config(config, {key: value for key, value in given.items() if key in OF_A_SESSION})
        return conduct(archive, run, config, problem_of(run, config))


def _remark_on_attempts(archive: Archive, run: Run, wanted: object) -> None:
    """Says that `--attempts` counts those that were made, where it asks for no more: further ones may be meant."""
    made = len(archive.attempts(run.id))
    if isinstance(wanted, int) and 0 < wanted < made:
        sys.stderr.write(
            f"run {run.id} has asked {made} times already, and --attempts is the number in all: nothing more is asked; "
            f"for {wanted} more: --attempts {made + wanted}\n"
        )


def problem_of(run: Run, config: RunConfig) -> Problem:
    """The problem that `run` is about.

    Raises:
        RunError: The task has changed since, so old and new scores would not compare.
    """
    problem = registry.problem(config.task).configured(config.set)
    if problem.task.identity != run.task_identity:
        raise RunError(
            f"run {run.id} was made with {run.task} {run.task_identity}, this software has "
            f"{problem.task.identity}: their scores do not compare; start a new run with --from ID"
        )
    return problem


def _conduct(archive: Archive, run: Run, config: RunConfig, problem: Problem, *, as_json: bool, resumed: bool) -> int:
    if problem.task.self_scored:
        sys.stderr.write(f"{SELF_SCORED}: what this run reports is the programs' own word\n")
    progress = Progress(task=run.task, run_id=run.id)
    ending = asyncio.run(_watched(Lifecycle(archive, run, config, problem, progress), progress, config))
    return _conclude(archive, run, ending, as_json=as_json, resumed=resumed)


async def _watched(lifecycle: Lifecycle, progress: Progress, config: RunConfig) -> Ending:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, lifecycle.stop)
    async with watching(progress, config):
        return await lifecycle.conduct()


def _conclude(archive: Archive, run: Run, ending: Ending, *, as_json: bool, resumed: bool) -> int:
    if as_json:
        report.print_run_json(archive, run, ending)
    else:
        report.print_run(archive, run, ending, resumed=resumed)
    if ending.reason == WAITING:
        sys.stderr.write(f"the first programs are scored; get the first prompt with: evolve ask {run.id}\n")
        return 0
    if ending.verdict is None:
        sys.stderr.write(f"run {run.id} was stopped; go on with: evolve resume {run.id}\n")
        return EXIT_INTERRUPTED
    if some_ran(outcome_counts(archive, run.id)):
        return 0
    for attempt in rejections(archive, run.id, 1):
        sys.stderr.write(f"no proposed program ran; attempt {attempt.index}, the last rejected: {attempt.rejection}\n")
    return EXIT_NO_SCORE


def some_ran(outcomes: Mapping[str, int]) -> bool:
    """Whether some program ran: one that was stopped was worse than its parent, and a twin has a score too."""
    return any(outcomes.get(outcome) for outcome in (Outcome.SCORED, Outcome.STOPPED, TWIN))


def _with_ancestors(
    archive: Archive, programs: Sequence[Program], start_from: Sequence[str], *, replace_initial: bool
) -> list[Program]:
    """`programs` with archived candidates as further initial programs (or instead of the shipped one)."""
    found = [archive.candidate(candidate_id) for candidate_id in start_from]
    ancestors = [Program(role=FounderRole.INITIAL, name=c.id[:10], source=c.source) for c in found]
    kept = [p for p in programs if p.role is FounderRole.BASELINE or not replace_initial]
    return [*ancestors, *kept]
