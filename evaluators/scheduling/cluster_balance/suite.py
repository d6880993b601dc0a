"""Which scenarios make up each tier and split.

Search and validation share regimes and differ by seed; the hold-out has regimes of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from evaluators.contract import ContractError, Split, Tier
from evaluators.problem import Settings
from evaluators.scheduling.cluster_balance.parameters import UNSET
from evaluators.scheduling.cluster_balance.recorded import Trace
from evaluators.scheduling.cluster_balance.regimes import CORES, HOLDOUT, MEMORY_GB, SEARCH, Regime, draw, draw_fleet
from evaluators.scheduling.cluster_balance.scenario import Scenario, make_scenario
from evaluators.scheduling.cluster_balance.workload import Workload
from evaluators.seeding import SeedSource

NUM_INSTANCES = {Tier.SMOKE: 4, Tier.QUICK: 24, Tier.FULL: 48, Tier.REPORT: 96}
TICKS = {Tier.SMOKE: 12, Tier.QUICK: 160, Tier.FULL: 240, Tier.REPORT: 240}
LONGEST_TICKS = 4000  # of a stretch of a trace


def scenarios(
    settings: Settings, trace: Trace | None, tier: Tier, split: Split, seeds: SeedSource
) -> Sequence[Scenario]:
    """The scenarios of a tier and split; names repeat from one secret to the next."""
    regimes = HOLDOUT if split is Split.HOLDOUT else SEARCH
    names = list(regimes)
    found = []
    for index in range(NUM_INSTANCES[tier]):
        turn, place = divmod(index, len(names))
        regime = names[place] if trace is None else "recorded"
        name = f"{regime}-{turn if trace is None else index}"
        rng = np.random.default_rng(seeds.instance(name))
        asked = _asked(regimes[names[place]] if trace is None else Regime(), settings)
        machines = int(settings.get("machines", 0)) or asked.machines[turn % len(asked.machines)]
        if trace is None:
            workload = draw(asked, machines, TICKS[tier], rng)
        else:
            workload = _recorded(trace, asked, machines, split, settings, rng)
        found.append(make_scenario(name, regime, workload, seeds.candidate(name)))
    return found


def check_settings(settings: Settings, trace: Trace | None) -> None:
    """Nothing, if all that was set has an effect and every job fits.

    Raises:
        ContractError: Something counts for nothing beside something else, or a job fits on no machine.
    """
    for name in ("spread", "price"):
        value = float(settings.get(name, UNSET))
        if value < 0 and value != UNSET:
            raise ContractError(f"{name}: expected 0 or more, or -1 for the scenario's own, found {value:g}")
    if trace is None:
        if "tick_s" in settings:
            raise ContractError("tick_s: counts only with a trace; set trace, or leave it out")
        return
    if "load" in settings:
        raise ContractError("load: the trace says how much arrives; expected no load beside it; set machines instead")
    for column, most, unit in ((1, CORES, "cores"), (2, MEMORY_GB, "GB")):
        largest = float(trace.rows_N5[:, column].max())
        if largest > most:
            raise ContractError(
                f"{trace.where}: a job needs {largest:g} {unit}, the largest machine has {most:g}; scale the column"
            )


def _asked(regime: Regime, settings: Settings) -> Regime:
    """The regime with what the user set in place of its own."""
    load, spread = float(settings.get("load", 0.0)), float(settings.get("spread", UNSET))
    price, boot, move = (
        float(settings.get("price", UNSET)),
        int(settings.get("boot", -1)),
        int(settings.get("move", -1)),
    )
    return replace(
        regime,
        load=load or regime.load,
        spread=regime.spread if spread < 0 else spread,
        price=regime.price if price < 0 else price,
        boot=regime.boot if boot < 0 else boot,
        move=regime.move if move < 0 else move,
    )


def _recorded(
    trace: Trace, regime: Regime, machines: int, split: Split, settings: Settings, rng: np.random.Generator
) -> Workload:
    jobs = trace.part(split, float(settings.get("tick_s", 10.0)), rng)
    fleet = draw_fleet(regime if machines > 1 else replace(regime, small=0.0), machines, 1, rng)
    span = int(jobs.arrival_N[-1]) + int((jobs.size_N / fleet.speed_M.min()).max())
    if span > LONGEST_TICKS:
        raise ContractError(
            f"{trace.where}: {jobs.size_N.size} jobs in a row take {span} ticks, expected at most {LONGEST_TICKS}; "
            "set a longer tick_s"
        )
    return Workload(fleet=fleet, jobs=jobs)
