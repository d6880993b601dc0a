"""The `evolve` command: parses words, calls one function, prints. Heavy imports wait for their command."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from archive.errors import ArchiveError
from evaluators.contract import EvaluatorError
from evolve.cli import (
    asking,
    benchmark,
    compare,
    dashboard,
    doctor,
    evaluate,
    export,
    leaderboard,
    maintenance,
    new_task,
    remarks,
    run,
    runs,
    show,
    tasks,
    verify,
)
from evolve.errors import EvolveError

EXIT_BAD_INPUT = 1

app = typer.Typer(
    name="evolve",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Evolve placement, scheduling and load-balancing programs, with scores no candidate can forge.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from evolve.version import software_version

        sys.stdout.write(software_version() + "\n")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="print version and commit")
    ] = False,
) -> None:
    """What holds for every command."""


app.command("tasks")(tasks.tasks)
app.command("run")(run.run)
app.command("resume")(run.resume)
app.command("runs")(runs.runs)
app.command("stop")(runs.stop)
app.command("ask")(asking.ask)
app.command("tell")(asking.tell)
app.command("evaluate")(evaluate.evaluate)
app.command("leaderboard")(leaderboard.leaderboard)
app.command("show")(show.show)
app.command("note")(remarks.note)
app.command("pin")(remarks.pin)
app.command("ban")(remarks.ban)
app.command("hint")(remarks.hint)
app.command("compare")(compare.compare)
app.command("verify")(verify.verify)
app.command("benchmark")(benchmark.benchmark)
app.command("dashboard")(dashboard.dashboard)
app.command("export")(export.export)
app.command("new-task")(new_task.new_task)
app.command("doctor")(doctor.doctor)
app.add_typer(maintenance.app, name="archive")


def main(words: Sequence[str] | None = None) -> None:
    """Run one command and exit with the status that docs/architecture.md lists."""
    try:
        app(args=words, prog_name="evolve")
    except (EvolveError, EvaluatorError, ArchiveError) as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(EXIT_BAD_INPUT)
    except BrokenPipeError:  # the reader of our output has left, as `head` does
        sys.stderr.close()
        sys.exit(EXIT_BAD_INPUT)
