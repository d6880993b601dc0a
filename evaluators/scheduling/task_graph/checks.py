"""What a user's settings must satisfy together; every sentence is said before anything is drawn."""

from __future__ import annotations

import numpy as np

from evaluators.contract import ContractError
from evaluators.problem import Settings
from evaluators.scheduling.task_graph.parameters import MIXED
from evaluators.scheduling.task_graph.platforms import Machine
from evaluators.scheduling.task_graph.recorded import Recording
from evaluators.scheduling.task_graph.scenario import make_scenario

_OF_SHAPES = ("tasks", "shape")
_OF_MACHINES = ("processors", "ccr", "heterogeneity", "platform")
_UNSET = {"tasks": 0, "processors": 0, "ccr": -1.0, "heterogeneity": -1.0, "platform": MIXED, "shape": MIXED}
_UNMOVED = ("gpus",)  # platforms on which heterogeneity counts for nothing


def check_settings(settings: Settings, recording: Recording | None) -> None:
    """Nothing, if the settings agree.

    Raises:
        ContractError: Something counts for nothing beside something else, or nothing could be won.
    """
    for name in ("ccr", "heterogeneity"):
        value = float(settings.get(name, -1.0))
        if value < 0 and value != -1.0:
            raise ContractError(f"{name}: expected 0 or more, or -1 for the scenario's own, found {value:g}")
    for name in ("tasks", "processors"):
        if int(settings.get(name, 0)) == 1:
            raise ContractError(f"{name}: expected two or more, found 1: there is nothing to choose")
    if str(settings.get("platform", MIXED)) in _UNMOVED and float(settings.get("heterogeneity", -1.0)) >= 0:
        raise ContractError("heterogeneity: counts for nothing on the platform gpus; expected it not to be set")
    if recording is None:
        if "jitter" in settings:
            raise ContractError("jitter: spreads a graph of your own; expected graph beside it")
        return
    _check_recording(settings, recording)


def _check_recording(settings: Settings, recording: Recording) -> None:
    """The file decides what it holds, and something can be won on it."""
    held = _OF_SHAPES if recording.own is None else (*_OF_SHAPES, *_OF_MACHINES)
    told = [name for name in held if settings.get(name, _UNSET[name]) != _UNSET[name]]
    if told:
        raise ContractError(f"graph: the file says it; expected no {told[0]} beside it")
    if recording.own is None:
        return
    own = Machine(platform="", processors=recording.own[0].shape[1], ccr=0.0, heterogeneity=0.0)
    graph = recording.drawn(own, 0.0, np.random.default_rng(0))
    scenario = make_scenario("own", "own", graph)
    if scenario.weak_us <= scenario.bound_us * (1 + 1e-6):
        raise ContractError(
            "graph: tasks in their order, each where it ends first, are at the proven bound already: nothing can be won"
        )
