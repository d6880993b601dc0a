"""Two programs on equal instances: the paired difference, and how sure it is.

As `evolve compare` says it (`evolve.comparison`), but of archived evaluations only: nothing is evaluated here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from archive.records import StoredEvaluation
from dashboard import inert, words
from evaluators.contract import Evaluation, Outcome, Split, Tier
from evaluators.measure import Interval, paired_interval
from evaluators.significance import holm, is_settled, remark_on_p, sign_flip_p

_TIERS = list(Tier)  # smallest first
_SPLITS = (Split.SEARCH, Split.VALIDATION, Split.REPORT, Split.HOLDOUT)  # the most telling last


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two scored evaluations on the same instances, under the same conditions."""

    a: StoredEvaluation
    b: StoredEvaluation

    @property
    def title(self) -> str:
        """Task, split and tier."""
        evaluation = self.a.evaluation
        return f"{inert.cell(evaluation.task)}, {evaluation.split}, {evaluation.tier} tier"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A less B over the instances of a pair."""

    instances: int
    mean: float
    interval: Interval | None  # None for too few instances
    p: float

    @property
    def is_settled(self) -> bool:
        """Whether interval and test agree that the programs differ."""
        return self.interval is not None and is_settled(self.interval.low, self.interval.high, self.p)


def equal_pairs(of_a: Sequence[StoredEvaluation], of_b: Sequence[StoredEvaluation]) -> list[Pair]:
    """What can be compared: hold-out before search, larger tiers before smaller, newer before older."""
    by_terms = {_terms(stored): stored for stored in of_b if stored.evaluation.outcome is Outcome.SCORED}
    pairs = [
        Pair(a=stored, b=by_terms[_terms(stored)])
        for stored in of_a
        if stored.evaluation.outcome is Outcome.SCORED and _terms(stored) in by_terms
    ]
    return sorted(pairs, key=_telling, reverse=True)


def task_names(stored: Sequence[StoredEvaluation]) -> frozenset[str]:
    """The tasks that a program was evaluated on."""
    return frozenset(s.evaluation.task for s in stored)


def difference(pair: Pair) -> Difference:
    """The paired difference over all instances; a failed instance counts as the floor."""
    scores_a, scores_b = _scores(pair.a.evaluation), _scores(pair.b.evaluation)
    regimes = [instance.regime for instance in pair.a.evaluation.instances]
    differences = [x - y for x, y in zip(scores_a, scores_b, strict=True)]
    return Difference(
        instances=len(differences),
        mean=math.fsum(differences) / len(differences),
        interval=paired_interval(scores_a, scores_b, regimes),
        p=sign_flip_p(differences, regimes),
    )


def verdict(name_a: str, name_b: str, found: Difference) -> str:
    """One sentence that says no more than the figures do."""
    if found.interval is None:
        claim = f"Too few instances to say whether {name_a} differs from {name_b}"
        return f"{claim}: {words.signed(found.mean)[0]} over {found.instances}."
    if found.is_settled:
        claim = f"{name_a} is {'better' if found.mean > 0 else 'worse'} than {name_b}"
    else:
        claim = f"{name_a} is not shown to differ from {name_b}"
    mean, low, high = words.signed(found.mean, found.interval.low, found.interval.high)
    claim = claim.replace("this ", "This ", 1) if claim.startswith("this ") else claim
    p_text = f"{found.p:.2g}{remark_on_p(found.interval.low, found.interval.high, found.p)}"
    return f"{claim}: {mean}, 95 % [{low}, {high}], p = {p_text}, {found.instances} instances."


def instance_frame(pair: Pair) -> pd.DataFrame:
    """One row per instance."""
    rows = [
        (inert.cell(x.name), inert.cell(x.regime), x.counted_score, y.counted_score, x.counted_score - y.counted_score)
        for x, y in zip(pair.a.evaluation.instances, pair.b.evaluation.instances, strict=True)
    ]
    return pd.DataFrame(rows, columns=["instance", "regime", "a", "b", "difference"])


def regime_frame(pair: Pair) -> pd.DataFrame:
    """One row per regime, with p-values adjusted for their number (Holm)."""
    frame = instance_frame(pair)
    grouped = frame.groupby("regime", sort=False)
    p_values = holm([sign_flip_p(list(group["difference"])) for _, group in grouped])
    means = grouped[["a", "b", "difference"]].mean().reset_index()
    return means.assign(instances=grouped.size().to_numpy(), p=p_values)


def _terms(stored: StoredEvaluation) -> tuple[object, ...]:
    evaluation, key = stored.evaluation, stored.key
    names = tuple((instance.name, instance.regime) for instance in evaluation.instances)
    return key.task_identity, key.tier, key.split, key.seeds, key.environment_class, key.planner_clock, names


def _telling(pair: Pair) -> tuple[int, int, int]:
    evaluation = pair.a.evaluation
    return _SPLITS.index(evaluation.split), _TIERS.index(evaluation.tier), pair.a.id


def _scores(evaluation: Evaluation) -> list[float]:
    return [instance.counted_score for instance in evaluation.instances]
