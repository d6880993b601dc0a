"""The windows of a scenario as they pass: which machine is there, what it serves, and what that takes.

Shapes: I iterations, L layers, E experts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from evaluators.placement.cost import Floats
from evaluators.placement.expert_replication.dispatch import Plan, even_plan
from evaluators.placement.expert_replication.outage import Outage, carried_over
from evaluators.placement.expert_replication.serving import Served, serve_window
from evaluators.placement.expert_replication.system import System
from evaluators.placement.expert_replication.workload import Workload
from evaluators.placement.layout import static_placement


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """A system, its loads and its mishap."""

    system: System
    workload: Workload
    outage: Outage | None = None

    @property
    def windows(self) -> range:
        """Those that are scored."""
        return range(self.workload.warmup, len(self.workload.totals_WLE))

    def system_at(self, window: int) -> System:
        """The machine that is there."""
        return self.outage.system if self.outage and self.outage.covers(window) else self.system

    def loads(self, window: int) -> Floats:
        """The kept iterations of a window, ``(I, L, E)``."""
        loads: Floats = self.workload.iterations_WILE[window].astype("float64")
        return loads

    def recent(self, window: int) -> Floats:
        """Loads just before each kept iteration of a scored window, in proportion, ``(I, L, E)``."""
        loads: Floats = self.workload.recent_WILE[window - self.workload.warmup].astype("float64")
        return loads


class Game:
    """A course being served, window after window."""

    def __init__(self, course: Course) -> None:
        self._course = course
        self._machine = course.system
        self._reading_s = 0.0
        self.active = initial_plan(course.system)
        self.served: list[Served] = []

    def enter(self, window: int) -> bool:
        """Begin a window; whether the machine is another one than before, which then serves what was carried over."""
        machine = self._course.system_at(window)
        if machine is self._machine:
            return False
        self.active, self._reading_s = carried_over(self.active, machine)
        self._machine = machine
        return True

    def serve(self, window: int, wanted: Plan, delay_s: float) -> None:
        """Serve the window entered, with `wanted` known `delay_s` into it."""
        course = self._course
        served = serve_window(self.active, wanted, delay_s, course.loads(window), self._machine, course.recent(window))
        if self._reading_s:
            reading_us = 1e6 * self._reading_s / self._machine.iterations_per_window
            served = replace(served, time_us=served.time_us + reading_us, migration_us=served.migration_us + reading_us)
            self._reading_s = 0.0
        self.served.append(served)
        self.active = served.active


def static_windows(course: Course) -> Sequence[Served]:
    """Every window under the static placement of the machine that is there."""
    game = Game(course)
    for window in course.windows:
        game.enter(window)
        game.serve(window, initial_plan(course.system_at(window)), 0.0)
    return game.served


def initial_plan(system: System) -> Plan:
    """What serves before the first plan: the static placement, tokens split evenly."""
    return even_plan(static_placement(system.layers, system.experts, system.slots), system.experts)
