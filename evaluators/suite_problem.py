"""The form of every task that reads settings and perhaps a file, draws a suite from them and reports on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from evaluators.contract import ContractError, InstanceResult, ParameterValue, Picture, Split, Task, Tier
from evaluators.parameters import read_settings
from evaluators.problem import Instance, Report, Settings
from evaluators.seeding import SeedSource

LEAST_WIN = 1e-9  # of the score

Recorded = TypeVar("Recorded")  # what a task reads from the user's own files; None where it reads none
Scenario = TypeVar("Scenario", bound=Instance)


def told_file(name: str, read: Callable[[ParameterValue], Recorded]) -> Callable[[Settings], Recorded | None]:
    """What `read` makes of the file that the user set as `name`; None unless one was set."""

    def read_told(settings: Settings) -> Recorded | None:
        value = settings.get(name, "")
        return read(value) if value else None

    return read_told


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteProblem(Generic[Recorded, Scenario]):
    """A `Problem` put together from the functions of a suite.

    `read` and `check` raise `ContractError` for what the user set; both run as soon as something is set.
    """

    task: Task  # its `parameters` hold what the user set and nothing else
    read: Callable[[Settings], Recorded]  # the user's own data; files are read anew each time
    check: Callable[[Settings, Recorded], None]
    draw: Callable[[Settings, Recorded, Tier, Split, SeedSource], Sequence[Scenario]]
    report: Report
    most: Callable[[Scenario], float] | None = (
        None  # the score at a scenario's bound; None: `draw` sees that it is above 0
    )

    def configured(self, settings: Mapping[str, ParameterValue | str]) -> SuiteProblem[Recorded, Scenario]:
        """The problem for the user's own system; see `Problem`."""
        task = replace(self.task, parameters=read_settings(self.task, settings))
        self.check(task.parameters, self.read(task.parameters))
        return replace(self, task=task)

    def instances(self, tier: Tier, split: Split, seeds: SeedSource) -> Sequence[Scenario]:
        """The scenarios of a tier and split; see `Problem`.

        Raises:
            ContractError: None can be drawn, or as the user set it, nothing can be won in any.
        """
        settings = self.task.parameters
        scenarios = self.draw(settings, self.read(settings), tier, split, seeds)
        if settings and tier is not Tier.SMOKE and split is not Split.REPORT:  # edges, and what is there as it is
            self._check_most(scenarios, split)
        return scenarios

    def _check_most(self, scenarios: Sequence[Scenario], split: Split) -> None:
        if self.most is None or any(self.most(scenario) > LEAST_WIN for scenario in scenarios):
            return
        names, weak = ", ".join(self.task.parameters), self.task.weak_baseline
        raise ContractError(
            f"{names}: nothing can be won on the {split} split: in each of its {len(scenarios)} scenarios {weak} "
            f"reaches the proven bound, so that no program would score above 0; expected another value of {names}"
        )

    def feedback(self, results: Sequence[InstanceResult]) -> str:
        """What the proposer is told; see `Report`."""
        return self.report.feedback(results)

    def pictures(self, results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
        """Tables worth drawing; see `Report`."""
        return self.report.pictures(results)
