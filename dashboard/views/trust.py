"""What the sandbox kept, and everything that went wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pandas as pd

from archive.evaluation_mapping import League
from archive.views import Failure
from dashboard import inert, words
from evaluators.contract import Environment, Outcome
from evaluators.probe import PropertyReport, properties_of

_ABOVE_BOUND = "bound was beaten"  # as the tasks word it in an instance's detail


def promise_frame(reports: Sequence[PropertyReport]) -> pd.DataFrame:
    """The sandbox's promises: whether each holds, and by which layer."""
    rows = [(r.label, str(r.promise), "holds" if r.holds else "MISSING", r.layer or r.remedy) for r in reports]
    return pd.DataFrame(rows, columns=["promise", "what", "state", "by, or how to get it"])


def environment_frame(environments: Sequence[Environment]) -> pd.DataFrame:
    """The sandboxes that archived scores were made in, and which promises their layers keep."""
    kinds = dict.fromkeys((e.sandbox, e.operating_system, e.evaluator_revision, e.cpu_model) for e in environments)
    rows = [(_kept(kind[0]), *map(inert.cell, kind)) for kind in kinds]
    return pd.DataFrame(rows, columns=["keeps", "layers", "operating system", "evaluator revision", "CPU"])


def outcome_frame(leagues: Sequence[League], outcomes: Mapping[str, Counter[str]]) -> pd.DataFrame:
    """Counts of outcomes, one row per league."""
    rows = [
        {
            "task": inert.cell(league.task),
            "environment": inert.cell(league.environment_class),
            **{plain(outcome): outcomes.get(league.digest, Counter())[outcome] for outcome in Outcome},
        }
        for league in leagues
    ]
    return pd.DataFrame(rows)


def failure_frame(failures: Sequence[Failure]) -> pd.DataFrame:
    """One row per failed evaluation."""
    rows = [
        {
            "task": inert.cell(f.league.task),
            "split": f.split,
            "tier": f.tier,
            "reason": inert.cell(f.reason, 300),
            "run": f.run_id or "by hand",
            "at, UTC": words.minute(f.created_at),
            "program": f.candidate_id[:10],
            "id": f.candidate_id,
        }
        for f in failures
    ]
    return pd.DataFrame(rows, columns=["task", "split", "tier", "reason", "run", "at, UTC", "program", "id"])


def plain(outcome: Outcome) -> str:
    """An outcome as people write it."""
    return outcome.replace("_", " ")


def above_bound(failures: Sequence[Failure]) -> list[Failure]:
    """Of infrastructure failures, those where a program beat a proven bound: a bug of ours, quarantined."""
    return [failure for failure in failures if _ABOVE_BOUND in failure.reason]


def _kept(layers: str) -> str:
    missing = [report.label for report in properties_of(layers) if not report.holds]
    return f"all but {', '.join(missing)}" if missing else "all promises"
