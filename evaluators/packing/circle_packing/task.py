"""The task `circle_packing`: n circles in the unit square, the sum of their radii as large as possible.

It is here to compare how many evaluations a search needs with published curves, which are drawn for n = 26: AlphaEvolve
(arXiv 2506.13131, B.12) and ShinkaEvolve (arXiv 2509.19349), whose packing has the sum 2.635983. Nothing is hidden in
it, so an instance is a number of circles and a seed handed to the program.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from evaluators.candidate import Candidate, CandidateFailure, ReplyField
from evaluators.contract import (
    FLOOR,
    Direction,
    EntryPoint,
    InstanceResult,
    Limits,
    MetricSpec,
    Outcome,
    Parameter,
    ParameterKind,
    ParameterValue,
    Picture,
    Split,
    Task,
    Tier,
)
from evaluators.packing.circle_packing.exact import breach, sum_of_radii
from evaluators.parameters import read_settings
from evaluators.problem import ClockPolicy
from evaluators.seeding import SeedSource

PUBLISHED_CIRCLES = 26
PUBLISHED_SUM = 2.635983  # ShinkaEvolve, arXiv 2509.19349; a reference that may be passed, not a bound
SMOKE_CIRCLES = 5
SEARCH_SIZES = {"20-25": range(20, 26), "26-31": range(26, 32)}
HOLDOUT_SIZES = {"14-19": range(14, 20), "32-37": range(32, 38)}
_ROUNDS = {Tier.QUICK: 1, Tier.FULL: 2, Tier.REPORT: 4}  # of 12 instances

TASK = Task(
    name="circle_packing",
    family="packing",
    summary=(
        "Pack n circles into the unit square so that the sum of their radii is as large as possible. Whether they "
        "overlap is decided exactly, without any tolerance."
    ),
    entry_points=(
        EntryPoint(
            name="pack",
            signature="pack(circles: int, seed: int) -> float64[circles, 3]",
            description=(
                "Rows x, y, r of `circles` circles inside [0, 1] x [0, 1]: r >= 0, r <= x <= 1 - r, r <= y <= 1 - r, "
                "and the distance of each pair of centres at least the sum of their radii. The conditions are checked "
                "in exact arithmetic on the floats as returned: an overlap of 1e-17 makes the packing invalid, so "
                "shrink the radii a little at the end. `seed` is for random choices, which must come from it alone. "
                "CPU time is limited, not charged. numpy and scipy may be imported."
            ),
        ),
    ),
    metrics=(
        MetricSpec(
            name="score",
            unit="1",
            direction=Direction.MAXIMIZE,
            description=(
                "(sum of radii - grid) / (sqrt(n / pi) - grid): 0 is a square grid of equal circles, 1 the proven "
                "bound, which no packing attains; floor -1"
            ),
        ),
        MetricSpec(name="sum_radii", unit="1", direction=Direction.MAXIMIZE, description="sum of the radii"),
        MetricSpec(
            name="sum_radii_26",
            unit="1",
            direction=Direction.MAXIMIZE,
            description="the same where n is 26, as in published curves",
        ),
        MetricSpec(
            name="ratio_to_published",
            unit="1",
            direction=Direction.MAXIMIZE,
            description=f"sum_radii_26 / {PUBLISHED_SUM} (ShinkaEvolve): a reference, not a bound",
        ),
    ),
    objective="score",
    bound=1.0,
    weak_baseline="grid",
    limits={
        Tier.SMOKE: Limits.of_cpu(5.0),
        Tier.QUICK: Limits.of_cpu(60.0),
        Tier.FULL: Limits.of_cpu(300.0),
        Tier.REPORT: Limits.of_cpu(1200.0),
    },
    parameters={"circles": 0},
    parameter_specs=(
        Parameter(
            name="circles",
            kind=ParameterKind.INTEGER,
            default=0,
            minimum=0,
            maximum=200,
            description="the n of all instances, as 26 for published curves; 0: 20..31, hold-out 14..19 and 32..37",
        ),
    ),
    libraries=("numpy", "scipy"),
    stateful=False,
)


@dataclass(frozen=True, slots=True)
class Square:
    """A number of circles to pack, and the seed the program gets."""

    name: str
    regime: str
    circles: int
    seed: int

    def play(self, candidate: Candidate, clock: ClockPolicy) -> InstanceResult:
        """Score one packing.

        Raises:
            CandidateFailure: `Outcome.INVALID` where circles overlap or leave the square, by however little.
        """
        del clock  # no time is charged here
        field = ReplyField(name="circles", dtype="float64", shape=(self.circles, 3))
        packing = candidate.function("pack", [self.circles, self.seed], (field,)).arrays["circles"].astype("float64")
        fault = breach(packing)
        if fault:
            raise CandidateFailure(Outcome.INVALID, f"n = {self.circles}: {fault}")
        total = sum_of_radii(packing)
        return InstanceResult(
            name=self.name,
            regime=self.regime,
            outcome=Outcome.SCORED,
            score=score(total, self.circles),
            metrics={"sum_radii": total, **_published(total, self.circles)},
        )


@dataclass(frozen=True, slots=True)
class CirclePackingProblem:
    """See the module."""

    task: Task = TASK

    def configured(self, settings: Mapping[str, ParameterValue | str]) -> CirclePackingProblem:
        """The task for one number of circles."""
        return CirclePackingProblem(replace(self.task, parameters=read_settings(self.task, settings)))

    def instances(self, tier: Tier, split: Split, seeds: SeedSource) -> Sequence[Square]:
        """Twelve sizes per round; where the user fixed the size, twelve seeds of it, on every split."""
        only = int(self.task.parameters["circles"])
        if tier is Tier.SMOKE:
            return [_square("smoke", only or SMOKE_CIRCLES, 0, seeds)]
        rounds = range(_ROUNDS[tier])
        if only:
            return [_square(f"n{only}", only, k, seeds) for k in range(12 * len(rounds))]
        sizes = HOLDOUT_SIZES if split is Split.HOLDOUT else SEARCH_SIZES
        return [_square(regime, n, k, seeds) for k in rounds for regime, group in sizes.items() for n in group]

    def feedback(self, results: Sequence[InstanceResult]) -> str:
        """The sum of radii of each instance, with the bound; nothing here is secret."""
        return "\n".join(_feedback_line(result) for result in results)

    def pictures(self, results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
        """None."""
        del results
        return ()


def grid_sum(circles: int) -> float:
    """The sum of radii of the weak baseline: equal circles in the smallest square grid that holds them."""
    return circles / (2 * math.ceil(math.sqrt(circles)))


def bound(circles: int) -> float:
    """What no packing exceeds.

    Disjoint discs in the unit square have areas that sum to at most 1, so ``sum r^2 <= 1 / pi``, and by Cauchy-Schwarz
    ``sum r <= sqrt(n * sum r^2) <= sqrt(n / pi)``. Discs leave gaps, so it is not attained.
    """
    return math.sqrt(circles / math.pi)


def score(total: float, circles: int) -> float:
    """A sum of radii between the weak baseline, 0, and the bound, 1."""
    return max(FLOOR, (total - grid_sum(circles)) / (bound(circles) - grid_sum(circles)))


def _square(regime: str, circles: int, number: int, seeds: SeedSource) -> Square:
    name = f"{circles}-{number}"
    return Square(name, regime, circles, seeds.candidate(name))


def _published(total: float, circles: int) -> dict[str, float]:
    if circles != PUBLISHED_CIRCLES:
        return {}
    return {"sum_radii_26": total, "ratio_to_published": total / PUBLISHED_SUM}


def _feedback_line(result: InstanceResult) -> str:
    circles = int(result.name.partition("-")[0])
    if result.outcome is not Outcome.SCORED:
        return f"n = {circles}: {result.outcome}. {result.detail}"
    reference = f", published {PUBLISHED_SUM}" if circles == PUBLISHED_CIRCLES else ""
    return f"n = {circles}: sum of radii {result.metrics['sum_radii']:.6f} (bound {bound(circles):.4f}{reference})"


PROBLEM = CirclePackingProblem()
