"""A job shop: what must be done on which machine, in which order within a job.

Shapes: J jobs, M machines; every job has M operations, one on each machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from evaluators.contract import ContractError

Ints = npt.NDArray[np.int64]
Rows = tuple[tuple[int, ...], ...]
MOST_OPERATIONS = 10_000
LONGEST = 1_000_000  # of one operation, so that every sum is far from overflow


@dataclass(frozen=True)
class Shop:
    """Operations as rows per job; rows of Python integers, since engines read them one by one."""

    routes: Rows  # [J][M], machine of a job's k-th operation
    durations: Rows  # [J][M], time units of a job's k-th operation

    @property
    def num_jobs(self) -> int:
        """J."""
        return len(self.routes)

    @property
    def num_machines(self) -> int:
        """M."""
        return len(self.routes[0])

    @cached_property
    def routes_JM(self) -> Ints:
        """``(J, M)`` machine of each operation."""
        return np.array(self.routes, dtype=np.int64)

    @cached_property
    def durations_JM(self) -> Ints:
        """``(J, M)`` time units of each operation."""
        return np.array(self.durations, dtype=np.int64)

    @cached_property
    def heads(self) -> Rows:
        """``[J][M]`` time units of the same job before each operation."""
        return _rows(self.durations_JM.cumsum(axis=1) - self.durations_JM)

    @cached_property
    def tails(self) -> Rows:
        """``[J][M]`` time units of the same job after each operation."""
        work = self.durations_JM
        return _rows(work[:, ::-1].cumsum(axis=1)[:, ::-1] - work)

    def with_durations(self, durations_JM: Ints) -> Shop:
        """The same routes with other durations."""
        return Shop(self.routes, _rows(durations_JM))


def make_shop(routes_JM: Ints, durations_JM: Ints, name: str = "shop") -> Shop:
    """A shop from arrays ``(J, M)``.

    Raises:
        ContractError: Not a job shop: no machine, no job, a machine that a job visits twice or never, or a duration
            that is no positive whole number. Says which job.
    """
    if routes_JM.shape != durations_JM.shape or routes_JM.ndim != 2:
        raise ContractError(
            f"{name}: expected machines and durations [jobs][machines] of one shape, "
            f"found {routes_JM.shape} and {durations_JM.shape}"
        )
    jobs, machines = routes_JM.shape
    if jobs == 0 or machines == 0:
        raise ContractError(f"{name}: expected at least one job and one machine, found {jobs} and {machines}")
    if jobs * machines > MOST_OPERATIONS:
        raise ContractError(f"{name}: expected at most {MOST_OPERATIONS} operations, found {jobs * machines}")
    for job, route in enumerate(routes_JM.tolist()):
        _check_route(route, f"{name}: job {job}")
    for job, work in enumerate(durations_JM.tolist()):
        if min(work) < 1 or max(work) > LONGEST:
            raise ContractError(f"{name}: job {job}: expected durations from 1 to {LONGEST}, found {work}")
    return Shop(_rows(routes_JM), _rows(durations_JM))


def _check_route(route: list[int], where: str) -> None:
    machines = len(route)
    unknown = [machine for machine in route if not 0 <= machine < machines]
    if unknown:
        raise ContractError(f"{where}: expected machines from 0 to {machines - 1}, found {unknown[0]}")
    repeated = sorted({machine for machine in route if route.count(machine) > 1})
    if repeated:
        missing = sorted(set(range(machines)) - set(route))
        raise ContractError(
            f"{where}: expected one operation on every machine, found machine {repeated[0]} twice "
            f"and no operation on machine {missing[0]}"
        )


def _rows(values_JM: Ints) -> Rows:
    return tuple(tuple(row) for row in values_JM.tolist())
