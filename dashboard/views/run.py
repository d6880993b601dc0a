"""A run as it goes: tables of its fold, its budget and its costs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import pandas as pd

from archive.records import Attempt, BanditRow
from archive.run_summaries import ModelUse, RunSummary
from archive.run_views import FounderScore
from dashboard import inert, words
from dashboard.views.fold import RunFold, Tally
from evaluators.contract import ParameterValue, Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a run may spend, of its stored configuration."""

    attempts: int | None = None
    seconds: float | None = None
    evaluations: int | None = None
    usd: float | None = None
    migration_every: int = 0
    islands: int = 1
    label: str = ""  # what distinguishes its strategy
    final_tier: Tier | None = None  # of the hold-out; None: the task's own

    @classmethod
    def of(cls, config: str) -> Budget:
        """The budget in the JSON of a run's configuration; what is not there is not limited."""
        values: dict[str, object] = json.loads(config or "{}")

        def number(name: str) -> float | None:
            value = values.get(name)
            return float(value) if isinstance(value, int | float) else None

        attempts, evaluations = number("attempts"), number("evaluations")
        return cls(
            final_tier=next((tier for tier in Tier if tier == values.get("final_tier")), None),
            attempts=None if attempts is None else int(attempts),
            seconds=number("seconds"),
            evaluations=None if evaluations is None else int(evaluations),
            usd=number("usd"),
            migration_every=int(number("migration_every") or 0),
            islands=int(number("islands") or 1),
            label=f"{values.get('proposer', '?')}, {values.get('sampler', '?')}, {_islands(values)}",
        )


def _islands(values: Mapping[str, object]) -> str:
    number = values.get("islands")
    return words.counted(number, "island") if isinstance(number, int) else "? islands"


def budget_left(budget: Budget, fold: RunFold, usd: float) -> list[tuple[str, str]]:
    """What is left of each limit, by name; a run without limits has none."""
    left = [
        ("attempts left", None if budget.attempts is None else f"{max(0, budget.attempts - fold.told):,}"),
        (
            "evaluations left",
            None if budget.evaluations is None else f"{max(0, budget.evaluations - fold.evaluated):,}",
        ),
        ("seconds left", None if budget.seconds is None else f"{max(0.0, budget.seconds - fold.elapsed_s):,.0f}"),
        ("USD left", None if budget.usd is None else f"{max(0.0, budget.usd - usd):,.4f}"),
    ]
    return [(name, value) for name, value in left if value is not None]


@dataclass(frozen=True, slots=True)
class Leader:
    """The best program of a run by search score, the initial one included."""

    candidate_id: str
    score: float
    is_initial: bool


def leader_of(fold: RunFold, founders: Sequence[FounderScore]) -> Leader | None:
    """Who leads; of equal scores the initial program, which came first."""
    found = [Leader(f.candidate_id, f.score, True) for f in founders if f.role == "initial" and f.score is not None]
    if fold.best is not None:
        found.append(Leader(fold.best.candidate_id, fold.best.score, False))
    return max(found, key=lambda leader: leader.score, default=None)


def best_figures(leader: Leader | None, fold: RunFold) -> list[tuple[str, str]]:
    """The best search score, and the best attempt beside it where the initial program leads."""
    if leader is None:
        return [("best search score", "none yet")]
    if not leader.is_initial:
        return [("best search score", f"{leader.score:.4f}")]
    own = f"{fold.best.score:.4f}" if fold.best else "no score yet"
    return [("best search score: initial", f"{leader.score:.4f}"), ("best attempt", own)]


class Phase(StrEnum):
    """Where a run is that has not finished."""

    SCORING = "scoring the initial program and the baselines"
    SEARCH = "search"
    VALIDATION = "validation of the best programs, then the hold-out"
    HOLDOUT = "hold-out, instances nobody has seen"


def phase_of(
    run: RunSummary,
    fold: RunFold,
    budget: Budget,
    in_flight: Mapping[str, int],
    founders: Sequence[FounderScore],
    num_holdouts: int,
) -> Phase:
    """What a run is at; `num_holdouts` are the hold-out evaluations that it paid for."""
    if run.asked == 0 and any(founder.score is None for founder in founders):
        return Phase.SCORING
    if in_flight or not run.told:
        return Phase.SEARCH
    if num_holdouts:
        return Phase.HOLDOUT
    spent = [(budget.attempts, fold.told), (budget.evaluations, fold.evaluated), (budget.seconds, fold.elapsed_s)]
    return Phase.VALIDATION if any(limit is not None and used >= limit for limit, used in spent) else Phase.SEARCH


def curve_frame(fold: RunFold, initial: float | None) -> pd.DataFrame:
    """The best search score so far over tells: one row per new leader, and one at the last tell."""
    rows = [] if initial is None else [(-1, initial, "")]
    rows += [(s.tell_order, s.score, s.candidate_id) for s in fold.steps if initial is None or s.score > initial]
    if rows and fold.last_tell > rows[-1][0]:
        rows.append((fold.last_tell, rows[-1][1], rows[-1][2]))
    return pd.DataFrame(
        [(tell + 1, score, number[:10]) for tell, score, number in rows], columns=["attempts", "score", "program"]
    )


def reference_frame(founders: Sequence[FounderScore], bound: float | None, max_lines: int = 3) -> pd.DataFrame:
    """Lines to measure a curve by: the initial program, the best baselines, the proven bound."""
    baselines = [f for f in founders if f.role == "baseline" and f.score is not None]
    best = sorted(baselines, key=lambda f: -(f.score or 0.0))[:max_lines]
    rows = [(inert.cell(f.name, 40), f.score) for f in best]
    rows += [("initial", f.score) for f in founders if f.role == "initial" and f.score is not None]
    if bound is not None:
        rows.append(("proven bound", bound))
    return pd.DataFrame(rows, columns=["line", "score"])


def mix_frame(fold: RunFold, max_bars: int = 40) -> pd.DataFrame:
    """How attempts ended over time, in at most `max_bars` bars of equal width."""
    width = fold.bin_width * -(-len(fold.bins) // max_bars)
    counts: Counter[tuple[int, str]] = Counter()
    for number, found in fold.bins.items():
        for outcome, count in found.items():
            counts[number * fold.bin_width // width, outcome] += count
    rows = [(bar * width, (bar + 1) * width, outcome, count) for (bar, outcome), count in sorted(counts.items())]
    return pd.DataFrame(rows, columns=["from", "to", "outcome", "attempts"])


def tally_frame(tallies: dict[str, Tally], name: str) -> pd.DataFrame:
    """Tallies by name, the most used first."""
    ordered = sorted(tallies.items(), key=lambda item: -item[1].attempts)
    rows = [
        (inert.cell(key), tally.attempts, f"{tally.scored:,} of {tally.attempts:,}", words.unsigned_zero(tally.best))
        for key, tally in ordered
    ]
    return pd.DataFrame(rows, columns=[name, "attempts", "scored", "best"])


def cost_frame(uses: Sequence[ModelUse], fold: RunFold) -> pd.DataFrame:
    """What each model cost, and what one of its scored programs cost."""
    rows = []
    for use in uses:
        scored = fold.proposers[use.model].scored if use.model in fold.proposers else 0
        rows.append(
            {
                "model": inert.cell(use.model),
                "calls": use.calls,
                "attempts": use.attempts,
                "scored": scored,
                "prompt tokens": use.prompt_tokens,
                "reply tokens": use.reply_tokens,
                "usd": use.price_usd,
                "usd per scored": use.price_usd / scored if scored else None,
                "unpriced": use.unpriced_calls,
                "mean latency_s": use.mean_latency_s,
            }
        )
    return pd.DataFrame(rows)


def rejection_frame(rejected: Sequence[Attempt]) -> pd.DataFrame:
    """Attempts stopped before evaluation, with what they equal or resemble."""
    rows = [
        {
            "attempt": attempt.index,
            "operator": inert.cell(attempt.operator),
            "why": inert.cell(attempt.rejection),
            "neighbour": (attempt.neighbour_id or "")[:10],
            "id": attempt.neighbour_id or attempt.candidate_id or "",
        }
        for attempt in rejected
    ]
    return pd.DataFrame(rows)


def bandit_frame(rows: Sequence[BanditRow]) -> pd.DataFrame:
    """The posterior mean reward of each (model, operator) over tells, with its 90 % range.

    Beta(1 + rewards, 1 + pulls - rewards), both sums discounted, as the search draws from it (`evolve.search.bandit`).
    """
    from scipy import stats

    frame = pd.DataFrame(
        [(r.num_tells, f"{inert.cell(r.model, 40)} / {r.operator}", r.told, r.pulls, r.reward) for r in rows],
        columns=["tells", "arm", "told", "pulls", "reward"],
    )
    if frame.empty:
        return frame.assign(mean=[], low=[], high=[])
    posterior = stats.beta(1.0 + frame["reward"], 1.0 + (frame["pulls"] - frame["reward"]).clip(lower=0.0))
    return frame.assign(mean=posterior.mean(), low=posterior.ppf(0.05), high=posterior.ppf(0.95))


def migrations(fold: RunFold, budget: Budget, max_marks: int = 50) -> list[int]:
    """After which tells islands exchanged their best; the newest `max_marks` of them."""
    if budget.migration_every <= 0 or budget.islands < 2:
        return []
    return list(range(budget.migration_every, fold.told + 1, budget.migration_every))[-max_marks:]


def parameters_text(parameters: str, defaults: Mapping[str, ParameterValue]) -> str:
    """``gpus=16 experts=64`` of a run's parameters in JSON; empty for the task's `defaults`."""
    values = json.loads(parameters or "{}").items()
    return " ".join(f"{name}={value}" for name, value in values if defaults.get(name) != value)


def status_of(run: RunSummary, now: float) -> str:
    """Where a run stands, in a word or two; `now` in Unix seconds."""
    if run.status == "running" and (run.lease_expires_at is None or run.lease_expires_at < now):
        return "killed; `evolve resume` goes on"
    return run.status


def is_live(run: RunSummary, now: float) -> bool:
    """Whether a process is driving the run."""
    return run.status == "running" and run.lease_expires_at is not None and run.lease_expires_at >= now
