"""Networks from a user's grid: which of its regions, who sends, and the caps of the machines there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluators.contract import ContractError
from evaluators.problem import Settings
from evaluators.scheduling.broadcast.grid import GBPS, Grid
from evaluators.scheduling.broadcast.parameters import MACHINE_USD_PER_H
from evaluators.scheduling.broadcast.providers import FITTED
from evaluators.scheduling.broadcast.transfer import Floats, Network

HELD_OUT_EVERY = 3  # each third region, by name, is a source in the hold-out only


def sources(grid: Grid, count: int, rng: np.random.Generator, *, held_out: bool) -> tuple[list[int], int]:
    """`count` regions of the grid and the place among them of the one that sends.

    The hold-out sends from every third region, all other splits from the rest.
    """
    is_held_out = np.arange(len(grid.names)) % HELD_OUT_EVERY == HELD_OUT_EVERY - 1
    source = int(rng.choice(np.flatnonzero(is_held_out == held_out)))
    others = [region for region in rng.permutation(len(grid.names)).tolist() if region != source]
    chosen = [int(region) for region in rng.permutation([source, *others[: count - 1]])]
    return chosen, chosen.index(source)


def network_from_grid(grid: Grid, chosen: Sequence[int], machines_R: Sequence[int], settings: Settings) -> Network:
    """The chosen regions' links, with so many machines in each.

    Raises:
        ContractError: A provider of the grid whose machines' caps are not known, and that the user did not set.
    """
    machines = np.array(machines_R, dtype=np.float64)
    links = np.ix_(chosen, chosen)
    providers = [grid.providers[region] for region in chosen]
    return Network(
        gbps_RR=grid.gbps_RR[links] * np.minimum(machines[:, None], machines),
        usd_per_gb_RR=grid.usd_per_gb_RR[links],
        egress_gbps_R=machines * caps_gbps(grid, providers, "egress_gbps", settings),
        ingress_gbps_R=machines * caps_gbps(grid, providers, "ingress_gbps", settings),
        machines_usd_per_h_R=machines * float(settings.get("machine_usd_per_h", MACHINE_USD_PER_H)),
    )


def caps_gbps(grid: Grid, providers: Sequence[str], parameter: str, settings: Settings) -> Floats:
    """What a machine of each provider can send (`egress_gbps`) or receive (`ingress_gbps`), as set or as known.

    Raises:
        ContractError: Neither, or so little that no transfer ends.
    """
    told = float(settings.get(parameter, 0.0))
    if 0.0 < told < GBPS[0]:
        raise ContractError(f"{parameter}: expected 0, or {GBPS[0]:g} Gbit/s or more, found {told:g}")
    if told:
        return np.full(len(providers), told)
    unknown = sorted({name for name in providers if name not in FITTED})
    if unknown:
        raise ContractError(
            f"{parameter}: grid {grid.path} has regions of {unknown[0]!r}, of whose machines nothing is known; "
            f"expected {', '.join(FITTED)}, or {parameter} to be set"
        )
    known = {name: (one.egress_gbps, one.ingress_gbps)[parameter == "ingress_gbps"] for name, one in FITTED.items()}
    return np.array([known[name] for name in providers])
