"""Recorded availability instead of drawn: the splits take disjoint stretches of the file, the hold-out the last.

The file is JSON: ``{"zones": {NAME: [{"state": "up" | "down", "seconds": S}, ...], ...}}``, runs in order of time, each
zone from the same moment. A run may also say when it starts (``"start_s"``), which is then checked for gaps.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evaluators.contract import ContractError, ParameterValue, Split
from evaluators.parameters import file_path
from evaluators.stretches import SHORTEST, STRETCHES
from evaluators.user_file import read_json

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

STATES = ("up", "down")
_SLACK_S = 1e-3  # for start times that were rounded


@dataclass(frozen=True, slots=True, eq=False)
class ZoneTrace:
    """One zone's runs: when each ends, and whether it was up."""

    ends_s: Floats
    up: Bools

    @property
    def seconds(self) -> float:
        """How long it is."""
        return float(self.ends_s[-1])

    def at(self, times_s: Floats) -> Bools:
        """Whether spot was there at these times."""
        return self.up[np.searchsorted(self.ends_s, times_s, side="right")]


@dataclass(frozen=True, slots=True)
class Trace:
    """The zones of one file."""

    path: Path
    zones: Mapping[str, ZoneTrace]

    @property
    def seconds(self) -> float:
        """How much of it all zones have."""
        return min(zone.seconds for zone in self.zones.values())

    def check_length(self, needed_s: float) -> None:
        """Nothing, if jobs of so many seconds fit every split.

        Raises:
            ContractError: They do not.
        """
        if SHORTEST * self.seconds < needed_s:
            raise ContractError(
                f"trace {self.path}: a split has a quarter of it ({SHORTEST * self.seconds / 3600:.4g} h), but a job "
                f"takes {needed_s / 3600:.4g} h; record longer or lower work_h and deadline_h"
            )

    def draw(self, regions: int, ticks: int, tick_s: float, split: Split, rng: np.random.Generator) -> Bools:
        """Distinct zones from a random moment of the split's stretch on, ``(T, R)``."""
        first_s, last_s = (self.seconds * share for share in STRETCHES[split])
        start_s = rng.uniform(first_s, last_s - ticks * tick_s)
        times_s = start_s + tick_s * np.arange(ticks, dtype=np.float64)
        names = rng.permutation(sorted(self.zones))[:regions]
        return np.stack([self.zones[str(name)].at(times_s) for name in names], axis=1)


@lru_cache(maxsize=1)
def read_trace(value: ParameterValue) -> Trace:
    """The trace in a file parameter's value.

    Raises:
        ContractError: Not such a file; says which zone and run departs from the format, and how.
    """
    path = file_path(value)
    content = read_json(path, f"trace {path}")
    if not isinstance(content, dict) or not isinstance(content.get("zones"), dict) or not content["zones"]:
        raise ContractError(f'trace {path}: expected an object with "zones", an object of one list of runs per zone')
    return Trace(path, {name: _zone(runs, f"trace {path}: zone {name}") for name, runs in content["zones"].items()})


def _zone(runs: object, where: str) -> ZoneTrace:
    if not isinstance(runs, list) or not runs:
        raise ContractError(f"{where}: expected a list of runs, found {type(runs).__name__ if runs else 'none'}")
    ends, up, end_s = [], [], 0.0
    for index, run in enumerate(runs):
        length_s, is_up = _run(run, end_s, f"{where}, run {index}")
        end_s += length_s
        ends.append(end_s)
        up.append(is_up)
    return ZoneTrace(np.array(ends), np.array(up))


def _run(run: object, start_s: float, where: str) -> tuple[float, bool]:
    """Length and state of a run that must start at `start_s`."""
    if not isinstance(run, dict) or "state" not in run or "seconds" not in run:
        raise ContractError(f'{where}: expected an object with "state" and "seconds"')
    if run["state"] not in STATES:
        raise ContractError(f'{where}: expected the state "up" or "down", found {run["state"]!r}')
    seconds = _number(run["seconds"], f"{where}, seconds")
    if seconds <= 0:
        raise ContractError(f"{where}: expected a positive number of seconds, found {seconds:g}")
    if "start_s" in run:
        told_s = _number(run["start_s"], f"{where}, start_s")
        if abs(told_s - start_s) > _SLACK_S:
            kind = "a gap" if told_s > start_s else "an overlap"
            raise ContractError(
                f"{where}: expected it to start at {start_s:g} s, where the run before ends, found {told_s:g} s "
                f"({kind} of {abs(told_s - start_s):g} s); say what was there, or cut the trace at the gap"
            )
    return seconds, run["state"] == "up"


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:
        raise ContractError(f"{where}: expected a finite number, found {value!r:.40}")
    return float(value)
