"""The live view of a run: a small panel on a terminal, a line now and then in a log. Always on stderr."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from dashboard.inert import visible
from evolve.cli.printing import counted, outcomes_text, score
from evolve.config import RunConfig
from evolve.run.progress import Progress

_REFRESH_S = 0.25
_LOG_EVERY_S = 10.0
_SIGN_OF_LIFE_S = 60.0
_FEW = 5  # attempts of a session, before their pace tells anything


@asynccontextmanager
async def watching(progress: Progress, config: RunConfig) -> AsyncIterator[None]:
    """Draw `progress` while the body runs."""
    console = Console(stderr=True)
    drawing = _draw(console, progress, config) if console.is_terminal else _log(progress, config)
    task = asyncio.create_task(drawing)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _draw(console: Console, progress: Progress, config: RunConfig) -> None:
    with Live(panel(progress, config), console=console, auto_refresh=False, transient=True) as live:
        while True:
            live.update(panel(progress, config), refresh=True)
            await asyncio.sleep(_REFRESH_S)


async def _log(progress: Progress, config: RunConfig) -> None:
    pace = LogPace()
    while True:
        if pace.is_due(progress, _REFRESH_S):
            sys.stderr.write(log_line(progress, config) + "\n")
        await asyncio.sleep(_REFRESH_S)


class LogPace:
    """When a log gets its next line: at once in a new phase, soon after something happened, else as a sign of life."""

    def __init__(self) -> None:
        self._phase = ""
        self._told: tuple[str, int, float | None] | None = None
        self._waited_s = 0.0

    def is_due(self, progress: Progress, passed_s: float) -> bool:
        """Whether to write a line now, `passed_s` after the last question."""
        self._waited_s += passed_s
        phase = progress.phase.partition(":")[0]  # counts within a phase do not start a new line
        news = (progress.phase, progress.told, progress.best_score)
        wait_s = _LOG_EVERY_S if news != self._told else _SIGN_OF_LIFE_S
        if phase == self._phase and self._waited_s < wait_s:
            return False
        self._phase, self._told, self._waited_s = phase, news, 0.0
        return True


def log_line(progress: Progress, config: RunConfig) -> str:
    """One line for a log file."""
    parts = [f"{progress.task} {progress.run_id}: {progress.phase}"]
    if progress.told:
        made = [
            counted(progress.told, "attempt"),
            *([_rate(progress), _outcomes(progress)] if progress.outcomes else []),
        ]
        parts.append(", ".join(made))
    if progress.best_score is not None:
        parts.append(f"best {score(progress.best_score)} ({_against(progress)})")
    if left := _left(progress, config):
        parts.append(left)
    return "; ".join(parts)


def panel(progress: Progress, config: RunConfig) -> RenderableType:
    """The terminal's view."""
    table = Table.grid(padding=(0, 2))
    table.add_row(Text(progress.task, style="bold"), Text(f"run {progress.run_id}: {progress.phase}"))
    table.add_row(
        "attempts", Text(f"{progress.told} told, {progress.asked - progress.told} in flight, {_rate(progress)}")
    )
    table.add_row("outcomes", Text(_outcomes(progress) or "-"))
    if progress.best_score is not None:
        best = Text.assemble(
            (f"{score(progress.best_score)}", "bold green"), f"  {progress.best_id[:10]}  {_against(progress)}"
        )
        table.add_row("best so far", best)
        if progress.best_change:
            table.add_row("", Text(visible(progress.best_change[:100]), style="dim"))
    table.add_row("left", Text(_left(progress, config) or "-"))
    return Group(table, ProgressBar(total=1.0, completed=share_done(progress, config), width=60))


def share_done(progress: Progress, config: RunConfig) -> float:
    """How much is done, in [0, 1]: of the programs that are being counted, else of the budget that ends first."""
    if progress.stretch is not None:
        return progress.stretch.share
    shares = [
        used / limit
        for used, limit in (
            (progress.told, config.attempts),
            (progress.evaluated, config.evaluations),
            (progress.elapsed_s, config.seconds),
        )
        if limit
    ]
    return min(1.0, max(shares, default=0.0))


def _against(progress: Progress) -> str:
    """The best score against where the run started and the best baseline."""
    words = []
    if progress.initial_score is not None:
        words.append(f"initial {score(progress.initial_score)}")
    if progress.best_baseline is not None:
        name, best = progress.best_baseline
        words.append(f"best baseline {name} {score(best)}")
    return ", ".join(words)


def _outcomes(progress: Progress) -> str:
    return outcomes_text(progress.outcomes)


def _rate(progress: Progress) -> str:
    if progress.elapsed_s < 1:
        return "- /min"
    return f"{60 * sum(progress.outcomes.values()) / progress.elapsed_s:.0f} /min"


def _left(progress: Progress, config: RunConfig) -> str:
    """What is left of the budget while it is being spent; else an estimate, where programs are being counted."""
    if not progress.searching:
        left_s = progress.stretch.left_s if progress.stretch else None
        return f"about {_duration(left_s)} left" if left_s else ""
    parts = []
    if config.attempts:
        parts.append(counted(max(0, config.attempts - progress.told), "attempt"))
    if config.evaluations:
        parts.append(counted(max(0, config.evaluations - progress.evaluated), "evaluation"))
    if config.seconds:
        parts.append(f"{max(0.0, config.seconds - progress.elapsed_s):.0f} s")
    elif left_s := _search_left_s(progress, config):
        parts.append(f"about {_duration(left_s)}")
    return ", ".join(parts) + (" left" if parts else "")


def _search_left_s(progress: Progress, config: RunConfig) -> float | None:
    """What the rest of the budget takes at the pace of this session; None before a few of its attempts have ended."""
    budgets = (
        (config.attempts, progress.told, sum(progress.outcomes.values())),
        (config.evaluations, progress.evaluated, progress.evaluated - progress.evaluated_before),
    )
    lefts_s = [progress.elapsed_s * max(0, n - used) / made for n, used, made in budgets if n and made >= _FEW]
    return min(lefts_s, default=None)


def _duration(seconds: float) -> str:
    """Seconds, or minutes from two of them on: an estimate has no more digits than that."""
    return f"{max(1, round(seconds))} s" if seconds < 120 else f"{seconds / 60:.0f} min"
