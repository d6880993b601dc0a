"""The smallest real task: guess hidden points of a line from noisy hints. For tests, tutorials and overhead figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evaluators.candidate import Candidate, ReplyField
from evaluators.contract import (
    FLOOR,
    ContractError,
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
from evaluators.figures import significant
from evaluators.parameters import read_settings
from evaluators.problem import ClockPolicy
from evaluators.seeding import SeedSource

_NUM_INSTANCES = {Tier.SMOKE: 1, Tier.QUICK: 12, Tier.FULL: 24, Tier.REPORT: 48}
_LIMITS = Limits(wall_s=2.0, cpu_s=2.0, call_wall_s=1.0, memory_bytes=256 << 20)
_PARAMETERS = (
    Parameter(
        name="hints",
        kind=ParameterKind.INTEGER,
        default=8,
        minimum=1,
        maximum=1000,
        description="noisy observations of the point that a program is given",
    ),
)
_TASK = Task(
    name="toy",
    family="tutorial",
    summary="Estimate a hidden point of [0, 1] from noisy hints.",
    entry_points=(
        EntryPoint(
            name="guess",
            signature="guess(hints: float64[n]) -> float64[]",
            description="The estimate of the hidden point, from n hints that scatter around it.",
        ),
    ),
    metrics=(
        MetricSpec(
            name="score",
            unit="1",
            direction=Direction.MAXIMIZE,
            description="1 - |guess - point| / 0.5: 1 is exact, 0 the worst of always saying one half",
        ),
        MetricSpec(name="error", unit="1", direction=Direction.MINIMIZE, description="|guess - point|"),
    ),
    objective="score",
    bound=1.0,
    weak_baseline="half",
    limits=dict.fromkeys(Tier, _LIMITS),
    parameters={"hints": 8},
    parameter_specs=_PARAMETERS,
    stateful=False,
)
_GUESS = (ReplyField(name="guess", dtype="float64", shape=()),)


@dataclass(frozen=True, slots=True)
class HiddenPoint:
    """One point and its hints."""

    name: str
    regime: str
    point: float
    hints: np.ndarray[tuple[int], np.dtype[np.float64]]

    def play(self, candidate: Candidate, clock: ClockPolicy) -> InstanceResult:
        """Score one guess."""
        del clock  # no time is charged here
        guess = float(candidate.function("guess", [self.hints], _GUESS).arrays["guess"])
        error = abs(guess - self.point)
        return InstanceResult(
            name=self.name,
            regime=self.regime,
            outcome=Outcome.SCORED,
            score=max(FLOOR, 1 - error / 0.5),
            metrics={"error": min(error, 1e300)},
        )


@dataclass(frozen=True, slots=True)
class ToyProblem:
    """See the module."""

    task: Task = _TASK

    def configured(self, settings: Mapping[str, ParameterValue | str]) -> ToyProblem:
        """The task with another number of hints."""
        return ToyProblem(replace(self.task, parameters=read_settings(self.task, settings)))

    def instances(self, tier: Tier, split: Split, seeds: SeedSource) -> Sequence[HiddenPoint]:
        """Points whose hints are symmetric or skewed; the hold-out has heavy tails too."""
        regimes = ("even", "skewed", "heavy") if split is Split.HOLDOUT else ("even", "skewed")
        return [self._point(regimes[i % len(regimes)], i, seeds) for i in range(_NUM_INSTANCES[tier])]

    def feedback(self, results: Sequence[InstanceResult]) -> str:
        """The mean score of each regime."""
        regimes = dict.fromkeys(result.regime for result in results)
        means = {r: np.mean([x.counted_score for x in results if x.regime == r]) for r in regimes}
        return "\n".join(f"{regime}: mean score {significant(float(mean))}" for regime, mean in means.items())

    def pictures(self, results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
        """None."""
        del results
        return ()

    def _point(self, regime: str, index: int, seeds: SeedSource) -> HiddenPoint:
        name = f"{regime}-{index}"
        rng = np.random.default_rng(seeds.instance(name))
        point = float(rng.uniform())
        return HiddenPoint(name, regime, point, point + 0.1 * _noise(regime, int(self.task.parameters["hints"]), rng))


def _noise(regime: str, size: int, rng: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    match regime:
        case "even":
            return rng.standard_normal(size)
        case "skewed":
            return rng.standard_exponential(size)
        case "heavy":
            return rng.standard_t(2, size)
    raise ContractError(f"the toy task has no regime {regime!r}")


PROBLEM = ToyProblem()
