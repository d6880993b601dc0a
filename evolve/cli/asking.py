"""`evolve ask` and `evolve tell`: programs from a person or a coding agent."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evolve.cli.options import DEFAULT_ARCHIVE, ArchiveUrl, Json
from evolve.cli.printing import counted, difference, print_json, print_text, score

if TYPE_CHECKING:
    from archive.store import Archive
    from evaluators.problem import Problem
    from evolve.config import RunConfig
    from evolve.outside.steps import Asked, OutsideRun
    from evolve.outside.telling import Told

RunId = Annotated[str, typer.Argument(metavar="RUN", help="a run started with --proposer outside")]


def ask(
    run_id: RunId,
    waiting: Annotated[bool, typer.Option("--waiting", help="print what waits for an answer; ask nothing new")] = False,
    archive: ArchiveUrl = DEFAULT_ARCHIVE,
    as_json: Json = False,
) -> None:
    """Reserve the next attempt of RUN and print what to answer; several may wait at once."""
    from archive.store import Archive
    from evolve.clock import timestamp

    with Archive.open(archive, create=False) as opened:
        outside, _, _ = _open(opened, run_id)
        found = outside.waiting() if waiting else [asyncio.run(outside.ask(timestamp()))]
    if as_json:
        print_json(found if waiting else found[0])
        return
    for asked in found:
        _print_asked(asked)
    if not found:
        print_text(f"nothing waits; ask with: evolve ask {run_id}")


def tell(
    run_id: RunId,
    attempt: Annotated[int, typer.Argument(help="the number that `evolve ask` gave")],
    file: Annotated[
        Path | None, typer.Option(help="the reply, in a form the prompt asks for (default: standard input)")
    ] = None,
    archive: ArchiveUrl = DEFAULT_ARCHIVE,
    as_json: Json = False,
) -> None:
    """Answer an attempt of RUN: the program is scored here, in the sandbox, and its feedback printed."""
    from archive.store import Archive

    reply = _reply(file)
    with Archive.open(archive, create=False) as opened:
        outside, config, problem = _open(opened, run_id)
        told = asyncio.run(_tell(opened, outside, config, problem, run_id, attempt, reply))
    if as_json:
        print_json(told)
    else:
        _print_told(told)


async def _tell(
    archive: Archive,
    outside: OutsideRun,
    config: RunConfig,
    problem: Problem,
    run_id: str,
    attempt: int,
    reply: str,
) -> Told:
    from evolve.cli.announcing import Announced
    from evolve.clock import timestamp
    from evolve.execution.opening import local_backend
    from evolve.run.session import split_secrets

    await outside.check(attempt, reply)
    secrets = split_secrets(archive, archive.run(run_id), problem.task)
    sys.stderr.write(f"attempt {attempt}: the reply makes a program; starting a worker that scores it\n")
    async with local_backend(problem, secrets, 1, allow_unsafe=config.allow_unsafe) as backend:
        return await outside.tell(attempt, reply, Announced(backend, attempt), timestamp())


def _open(archive: Archive, run_id: str) -> tuple[OutsideRun, RunConfig, Problem]:
    from evolve.choices import ProposerKind
    from evolve.cli.announcing import patience
    from evolve.cli.sessions import problem_of
    from evolve.config import RunConfig
    from evolve.errors import RunError
    from evolve.outside.steps import OutsideRun

    run = archive.run(run_id)
    config = RunConfig.model_validate_json(run.config)
    if config.proposer is not ProposerKind.OUTSIDE:
        raise RunError(
            f"run {run.id} has the proposer {config.proposer}: only runs started with --proposer outside are asked"
        )
    problem = problem_of(run, config)
    return OutsideRun(archive, run, config, problem, patience(run.id)), config, problem


def _reply(file: Path | None) -> str:
    from evolve.errors import ConfigError

    try:
        return sys.stdin.read() if file is None else file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot read the reply {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"the reply {file or 'on standard input'} is not UTF-8 text: {error}") from error


def _print_asked(asked: Asked) -> None:
    print_text("\n\n".join(message.text.strip() for message in asked.messages))
    answer = f"evolve tell {asked.run} {asked.attempt} --file reply.md"
    sys.stderr.write(f"attempt {asked.attempt} of run {asked.run} ({asked.operator}); answer with: {answer}\n")


def _print_told(told: Told) -> None:
    print_text(told_text(told))
    sys.stderr.write(next_step(told) + "\n")


def told_text(told: Told) -> str:
    """What came of an answer, in lines: the score or why there is none, regimes, feedback."""
    if told.score is not None:
        lines = [
            f"attempt {told.attempt}: {score(told.score)} on search, {difference(told.score - told.parent_score)} "
            f"against its parent; best of the run {score(told.best_score)}"
        ]
    else:
        where = "" if told.tier is None or told.regimes else f" in the tier {told.tier}"
        lines = [f"attempt {told.attempt}: {told.outcome}{where}. {told.reason}"]
        if told.regimes:
            lines.append(f"  on the {counted(told.played, 'instance')} played (and against the parent on these):")
    lines += [_regime_line(told, regime) for regime in told.regimes]
    if told.feedback:
        lines += ["", *_feedback_heading(told), told.feedback]
    return "\n".join(lines)


def _regime_line(told: Told, regime: str) -> str:
    change = f" ({difference(told.changes[regime])})" if regime in told.changes else ""
    return f"  {regime}: {score(told.regimes[regime])}{change}"


def _feedback_heading(told: Told) -> list[str]:
    """Whose feedback it is, where it is not that of the score above it."""
    if told.score is not None:
        return []
    short = ", a short check before quick with instances and limits of its own" if told.tier == "smoke" else ""
    return [f"feedback of the tier {told.tier}{short}; it failed there, so nothing below is a score:"]


def next_step(told: Told) -> str:
    """What may be done after an answer was told."""
    end = f"evolve resume {told.run}, which judges what there is"
    if told.attempts_left == 0 and told.waiting:
        them = f"the {counted(told.waiting, 'attempt')} asked for and not answered"
        return f"next: answer {them} (evolve ask {told.run} --waiting), or end with: {end}"
    if told.attempts_left == 0:
        return f"no attempts are left; end with: {end}"
    left = "" if told.attempts_left is None else f" ({counted(told.attempts_left, 'attempt')} left)"
    return f"next: evolve ask {told.run}{left}, or end with: {end}"
