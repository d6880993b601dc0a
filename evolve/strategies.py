"""The strategies that `evolve benchmark` compares, and how far each run got. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median, stdev

from scipy import special

from evaluators.contract import Evaluation
from evaluators.significance import holm, is_settled, sign_flip_p
from evolve.choices import Inspirations, Sampler
from evolve.run.champion import choose_champion

# What a strategy changes in the run file. Everything else, budgets and seeds included, is the same for all.
STRATEGIES: Mapping[str, Mapping[str, object]] = {
    "default": {},  # everything as in a run of `evolve run`
    "hill": {"sampler": Sampler.HILL_CLIMBING, "islands": 1},  # always the best so far
    "best_of_n": {"sampler": Sampler.BEST_OF_N, "islands": 1},  # every child straight from the initial program
    "random": {"sampler": Sampler.UNIFORM, "islands": 1},  # any survivor, whatever its score
    "repeated": {"sampler": Sampler.HILL_CLIMBING, "islands": 4, "migration_every": 0},  # four climbs, a quarter each
    # the default with one part exchanged, added or left out
    "weighted": {"sampler": Sampler.WEIGHTED},  # parents by robust score and few children
    "instance_winners": {"sampler": Sampler.INSTANCE_WINNERS},  # parents from the per-instance Pareto front
    "map_elites": {"sampler": Sampler.MAP_ELITES},  # parents from the cells of the task's grid
    "pareto": {"sampler": Sampler.PARETO},  # parents from the front over the task's trade-offs
    "two_islands": {"islands": 2},
    "dynamic_islands": {"new_island_after": 15},  # one more island whenever nothing better has been found for so long
    "fewer_numbers": {"number_share": 0.46},
    "crossover": {"crossover": 0.2},  # with donors that are good where the parent is not; the default until 2026-11
    "any_donor": {"crossover": 0.2, "inspirations": Inspirations.UNIFORM},  # with any donor
    "no_twins": {"twins": False},
    "no_racing": {"racing": 0.0},
    "lessons": {"lessons_every": 20},  # these two with models only
    "advice": {"advice_every": 20},
    # the default until 2026-11, to compare with results of that time
    "former": {
        "sampler": Sampler.WEIGHTED,
        "islands": 2,
        "number_share": 0.46,
        "crossover": 0.2,
        "twins": False,
        "racing": 0.0,
    },
}

WITH_MODELS = frozenset({"lessons", "advice"})  # what these change is nothing to a proposer without models


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A program that led a run or was its champion, and from which evaluation on."""

    evaluation: int  # evaluations of new programs until then, itself included; 0 for the initial program
    candidate_id: str
    search: float


def leading_steps(initial: Step, evaluated: Sequence[tuple[str, float | None]]) -> list[Step]:
    """The programs that led by search score, in order; `evaluated` holds id and score (None: failed) in tell order."""
    steps = [initial]
    for number, (candidate_id, score) in enumerate(evaluated, start=1):
        if score is not None and score > steps[-1].search:
            steps.append(Step(evaluation=number, candidate_id=candidate_id, search=score))
    return steps


def champion_steps(leaders: Sequence[Step], validations: Mapping[str, Evaluation]) -> list[Step]:
    """Who would be champion if the run ended there: chosen on validation among those that have led by search score."""
    by_id = {leader.candidate_id: leader for leader in leaders}
    initial = leaders[0].candidate_id
    steps = [leaders[0]]
    for number, leader in enumerate(leaders[1:], start=2):
        known = [(led.candidate_id, validations[led.candidate_id]) for led in leaders[:number]]
        champion = choose_champion(initial, known)
        if champion != steps[-1].candidate_id:
            steps.append(replace(by_id[champion], evaluation=leader.evaluation))
    return steps


def best_so_far(steps: Sequence[Step], holdouts: Mapping[str, float], evaluations: int) -> list[float]:
    """Hold-out score of the program of the last step after 0, 1, ... `evaluations` evaluations."""
    curve: list[float] = []
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        end = evaluations + 1 if following is None else following.evaluation
        curve += [holdouts[step.candidate_id]] * (end - len(curve))
    return curve


def area(curve: Sequence[float]) -> float:
    """Mean height of a curve above its first point."""
    return sum(curve) / len(curve) - curve[0]


def evaluations_to_reach(curve: Sequence[float], level: float) -> int | None:
    """How many evaluations a run needed to lead with at least `level`; None if it never did."""
    return next((number for number, score in enumerate(curve) if score >= level), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One strategy over all repeats; differences are to the first strategy, paired by repeat."""

    strategy: str
    final: float  # mean hold-out of the champion at the end
    area: float  # mean of the curves' areas above their first point
    difference: float | None  # of `final`; None for the first strategy itself
    low: float | None  # 95 % over repeats, Student's t: honest, and wide for few repeats
    high: float | None
    p: float | None  # two-sided sign-flip over repeats; at 5 repeats it cannot fall below 1/16
    reached: Mapping[str, tuple[int, float | None]]  # baseline -> repeats that reached it, their median evaluations


def compare_strategies(curves: Mapping[str, Sequence[Sequence[float]]], baselines: Mapping[str, float]) -> list[Result]:
    """Every strategy against the first, in the order given; ``curves[strategy][repeat]`` is a hold-out curve."""
    first = next(iter(curves.values()))
    return [_result(name, own, None if own is first else first, baselines) for name, own in curves.items()]


def verdict(results: Sequence[Result]) -> str:
    """Which strategy has the highest mean, by how much, and whether that is more than chance gives the best."""
    first, *others = results
    if not others:
        return f"{first.strategy} was compared with nothing."
    best = max(results, key=lambda result: result.final)
    compared = max(others, key=lambda result: result.final) if best is first else best  # with the first
    rival = compared if best is first else first
    if compared.difference is None or compared.low is None or compared.high is None:
        return f"{best.strategy} has the highest mean, from too few repeats to say how sure."
    if compared.difference == compared.low == compared.high == 0.0:
        both = f"{best.strategy} nor {rival.strategy}"
        return f"Neither {both} ends highest on the hold-out: they score alike in every repeat."
    p = holm([1.0 if other.p is None else other.p for other in others])[others.index(compared)]
    low, high = (-compared.high, -compared.low) if best is first else (compared.low, compared.high)
    adjusted = f", adjusted for {len(others)} comparisons (Holm)" if len(others) > 1 else ""
    return (
        f"{best.strategy} ends highest on the hold-out, {abs(compared.difference):+.4f} above {rival.strategy}, "
        f"95 % interval over repeats [{low:+.4f}, {high:+.4f}], sign-flip p = {p:.3g}{adjusted}: "
        + ("the difference is settled." if is_settled(low, high, p) else "nothing is settled.")
    )


def _result(
    name: str,
    curves: Sequence[Sequence[float]],
    reference: Sequence[Sequence[float]] | None,
    baselines: Mapping[str, float],
) -> Result:
    finals = [curve[-1] for curve in curves]
    differences = [] if reference is None else [a - b[-1] for a, b in zip(finals, reference, strict=True)]
    low, high = student_interval(differences)
    return Result(
        strategy=name,
        final=fmean(finals),
        area=fmean(area(curve) for curve in curves),
        difference=fmean(differences) if differences else None,
        low=low,
        high=high,
        p=sign_flip_p(differences) if differences else None,
        reached={baseline: _reached(curves, level) for baseline, level in baselines.items()},
    )


def student_interval(values: Sequence[float]) -> tuple[float | None, float | None]:
    """95 % interval of the mean by Student's t, for few values; None of fewer than two."""
    if len(values) < 2:
        return None, None
    half = float(special.stdtrit(len(values) - 1, 0.975)) * stdev(values) / len(values) ** 0.5
    return fmean(values) - half, fmean(values) + half


def _reached(curves: Sequence[Sequence[float]], level: float) -> tuple[int, float | None]:
    needed = [number for curve in curves if (number := evaluations_to_reach(curve, level)) is not None]
    return len(needed), median(needed) if needed else None
