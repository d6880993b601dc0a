"""`evolve tasks`: what can be evolved, and what a task asks of a program."""

from __future__ import annotations

from textwrap import indent
from typing import Annotated

import typer

from evaluators.contract import Task
from evolve.cli.options import Json
from evolve.cli.printing import print_json, print_text, print_wrapped_table


def tasks(
    describe: Annotated[str | None, typer.Option("--describe", metavar="TASK", help="one task in full")] = None,
    as_json: Json = False,
) -> None:
    """List the tasks, or describe one: entry points, metrics, limits and the parameters that `--set` takes."""
    from evaluators import registry

    if describe is not None:
        task = registry.problem(describe).task
        print_json(task) if as_json else print_text(description(task))
        return
    listed = [registry.problem(name).task for name in registry.task_names()]
    if as_json:
        print_json([{"name": t.name, "family": t.family, "summary": t.summary, "identity": t.identity} for t in listed])
    else:
        print_wrapped_table(
            ["task", "family", "summary"],
            [[t.name, t.family, t.summary.partition(". ")[0].rstrip(".")] for t in listed],
        )


def description(task: Task) -> str:
    """The task as a user or a model needs to know it."""
    bound = "no proven bound" if task.bound is None else f"proven bound {task.bound:g}"
    zero = f"; 0 is {task.weak_baseline}" if task.weak_baseline else ""
    lines = [
        f"{task.name} ({task.family}), revision {task.revision}, identity {task.identity}",
        task.summary,
        "",
        f"objective: {task.objective}, {task.metric(task.objective).direction} ({bound}{zero})",
        f"libraries: {', '.join(task.libraries)}",
        "",
        "entry points",
        *(f"  {entry.signature}\n{indent(entry.description.strip(), ' ' * 6)}" for entry in task.entry_points),
        "",
        "metrics",
        *(f"  {m.name} [{m.unit}, {m.direction}]: {m.description}" for m in task.metrics),
        "",
        "parameters (--set NAME=VALUE)",
        *(_parameter_line(task, name) for name in (spec.name for spec in task.parameter_specs)),
    ]
    return "\n".join(lines)


def _parameter_line(task: Task, name: str) -> str:
    spec = next(spec for spec in task.parameter_specs if spec.name == name)
    allowed = f", one of {', '.join(spec.choices)}" if spec.choices else ""
    if spec.minimum is not None or spec.maximum is not None:
        low = "" if spec.minimum is None else f"{spec.minimum:g}"
        high = "" if spec.maximum is None else f"{spec.maximum:g}"
        allowed = f", {low}..{high}"
    return f"  {name}={spec.default} ({spec.kind}{allowed}): {spec.description}"
