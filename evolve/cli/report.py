"""The end of a run, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence

from archive.queries import Usage, outcome_counts, usage
from archive.records import FounderRole, Run
from archive.store import Archive
from dashboard.views.verdict import UNBEATEN, champion_named, champion_sentence, place_among
from evaluators.contract import Outcome
from evolve.cli.printing import (
    counted,
    difference,
    interval,
    outcomes_text,
    print_json,
    print_text,
    score,
    score_interval,
    table_text,
)
from evolve.run.finale import Standing, Verdict
from evolve.run.fresh_look import Look
from evolve.run.lifecycle import Ending


def print_run_json(archive: Archive, run: Run, ending: Ending) -> None:
    """The object that docs/architecture.md describes, on one line."""
    outcomes = outcome_counts(archive, run.id)
    print_json(
        {
            "run": run.id,
            "task": run.task,
            "attempts": sum(outcomes.values()),
            "outcomes": dict(outcomes),
            "best": _best_json(ending.verdict),
            "looks": _looks_json(ending.verdict),
            "seconds": round(ending.seconds, 3),
            "usd": round(usage(archive, run.id).price_usd, 6),
        }
    )


def print_run(archive: Archive, run: Run, ending: Ending, *, resumed: bool) -> None:
    """The table that the run is judged by, and one sentence about the champion."""
    outcomes = outcome_counts(archive, run.id)
    print_text(
        f"run {run.id} of {run.task}: {ending.reason}; {counted(sum(outcomes.values()), 'attempt')} "
        f"({outcomes_text(outcomes) or 'none'}), {ending.seconds:.0f} s{' in this session' if resumed else ''}"
    )
    used = usage(archive, run.id)
    if used.calls:
        print_text(model_sentence(used))
    if ending.verdict is None:
        return
    print_text("")
    print_text(verdict_table(ending.verdict))
    print_text("")
    print_text(verdict_sentence(ending.verdict))
    if any(look.shrank for look in ending.verdict.looks):  # to the last bit none: seeds change nothing in this task
        print_text("\n" + looks_table(ending.verdict.looks))
        if ending.verdict.last_look is not None:
            print_text(looks_sentence(ending.verdict.last_look))
    if ending.verdict.champion_id != ending.verdict.initial_id:
        print_text(f"see it: evolve show {ending.verdict.champion_id[:10]} --diff initial")


def model_sentence(used: Usage) -> str:
    """What the model calls came to."""
    unpriced = f", and {used.unpriced_calls} calls of unknown price" if used.unpriced_calls else ""
    tokens = f"{used.prompt_tokens} tokens of prompts and {used.reply_tokens} of replies"
    return f"{used.calls} model calls, {tokens}: ${used.price_usd:.4f}{unpriced}"


def verdict_table(verdict: Verdict) -> str:
    """Every founder and finalist, best hold-out first."""
    columns = ["program", "role", "hold-out", "95 % interval", "gain over initial, paired 95 %", "validation", "search"]
    return table_text(columns, [_row(standing) for standing in verdict.standings])


def verdict_sentence(verdict: Verdict) -> str:
    """What the hold-out says of the champion, and no more than it says."""
    champion = verdict.champion
    if verdict.champion_id == verdict.initial_id:
        return UNBEATEN
    who = champion_named(champion.name, champion.role)
    baselines = {s.name: s.holdout for s in verdict.standings if s.role == FounderRole.BASELINE}
    return champion_sentence(who, champion.gain, champion.gain_p, place_among(baselines, champion.holdout))


def looks_table(looks: Sequence[Look]) -> str:
    """What champions gained where they were chosen, and on fresh seeds."""
    columns = ["after", "champion", "gain when chosen", "on fresh seeds", "95 % interval", "shrank by"]
    return table_text(columns, [_look_row(look) for look in looks])


def looks_sentence(look: Look) -> str:
    """The winner's curse of the champion in words."""
    what = f"{look.shrank:.4f} of it shrank" if look.shrank > 0 else "none of it shrank"
    return (
        f"Winner's curse: chosen for a validation gain of {difference(look.chosen_gain)} over the initial program, "
        f"{look.candidate_id[:10]} has {difference(look.fresh_gain)} on fresh validation seeds; {what}."
    )


def _look_row(look: Look) -> list[str]:
    ci = look.interval
    return [
        str(look.after),
        look.candidate_id[:10],
        difference(look.chosen_gain),
        difference(look.fresh_gain),
        interval(ci.low, ci.high) if ci else "-",
        difference(look.shrank),
    ]


def _looks_json(verdict: Verdict | None) -> list[dict[str, object]]:
    return [
        {
            "after": look.after,
            "id": look.candidate_id,
            "chosen_gain": look.chosen_gain,
            "fresh_gain": look.fresh_gain,
            "low": look.interval.low if look.interval else None,
            "high": look.interval.high if look.interval else None,
            "shrank": look.shrank,
        }
        for look in (verdict.looks if verdict else ())
    ]


def _row(standing: Standing) -> list[str]:
    ci, gain = standing.holdout_interval, standing.gain
    failed = standing.holdout is None and standing.outcome is not Outcome.SCORED
    holdout = str(standing.outcome) if failed else score(standing.holdout)
    return [
        standing.name,
        standing.role,
        holdout,
        score_interval(ci.low, ci.high) if ci else "-",
        interval(gain.low, gain.high) if gain else "-",
        score(standing.validation),
        score(standing.search),
    ]


def _best_json(verdict: Verdict | None) -> dict[str, object] | None:
    if verdict is None:
        return None
    champion = verdict.champion
    ci = champion.holdout_interval
    return {
        "id": champion.candidate_id,
        "holdout": champion.holdout,
        "holdout_low": ci.low if ci else None,
        "holdout_high": ci.high if ci else None,
    }
