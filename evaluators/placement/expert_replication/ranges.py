"""What each split plays where the user left it open.

Each split has regimes, topologies, model shapes, devices and skews of its own. So a program is chosen on what it was
not bred on, and judged on what it was not chosen on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evaluators.contract import Split, Tier
from evaluators.placement.expert_replication.shapes import (
    HOLDOUT_MODELS,
    HOLDOUT_TOPOLOGIES,
    VALIDATION_MODELS,
    VALIDATION_TOPOLOGIES,
)
from evaluators.placement.expert_replication.workload import Regime

SEARCH_REGIMES = (
    Regime(name="stationary", walk_sd=0.0, domain_time=0.0),
    Regime(name="slow"),
    Regime(name="fast", walk_sd=0.5, walk_half_life=1.0, domain_time=2.5),
    Regime(name="switch", jump_every=3),
    Regime(name="noisy", window_sd=0.4, token_share=0.25),
    Regime(name="recurring", alternate_every=1, domain_time=0.0),
    Regime(name="burst", burst_chance=1 / 3),
)
# One or more for every kind of change that the search knows, so that what helps there counts here too if it is general:
# drift, other domains, domains that take turns, bursts, noise, and another skew.
VALIDATION_REGIMES = (
    Regime(name="drift", walk_sd=0.35, walk_half_life=10.0, domain_time=15.0),
    Regime(name="shift", walk_sd=0.15, jump_every=5),
    Regime(name="swing", alternate_every=1, quiet_share=0.5, walk_sd=0.35, walk_half_life=8.0),
    Regime(name="turns", alternate_every=3, domain_time=0.0),
    Regime(name="rush", burst_chance=0.5),
    Regime(name="choppy", walk_sd=0.3, walk_half_life=5.0, window_sd=0.3, token_share=0.5),
    Regime(name="peaked", skew=1.05, walk_sd=0.3, walk_half_life=1.5, domain_time=5.0),
)
HOLDOUT_REGIMES = (
    Regime(name="medium", walk_sd=0.4, walk_half_life=3.0, domain_time=8.0),
    Regime(name="trend", trend_sd=0.06),
    Regime(name="alternating", alternate_every=1, quiet_share=0.125),
    Regime(name="weekly", alternate_every=2, domain_time=0.0),
    Regime(name="steep", skew=1.2, walk_sd=0.4, walk_half_life=2.0),
    Regime(name="shallow", skew=0.6, window_sd=0.2),
)

# A node is lost for a third of the windows; played after all others, so that those are what they were without it.
SEARCH_OUTAGE = Regime(name="outage")
VALIDATION_OUTAGE = Regime(name="lost-node", walk_sd=0.35, walk_half_life=10.0, domain_time=15.0)
HOLDOUT_OUTAGE = Regime(name="failover", walk_sd=0.4, walk_half_life=3.0, domain_time=8.0)
OUTAGE_TIERS, OUTAGE_SCENARIOS = (Tier.FULL, Tier.REPORT), 4

# Names only: the loads come from the user's file, and from the one that is shipped. That one is played once per
# service, after all others, where nothing is bred or chosen.
RECORDED, RECORDED_MOE = Regime(name="recorded"), Regime(name="recorded-moe")
RECORDED_MOE_SPLITS = (Split.HOLDOUT, Split.REPORT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """What a split plays where the user left it open; without topologies or models, the default shape."""

    regimes: tuple[Regime, ...]
    outage: Regime
    devices: tuple[str, ...]
    topologies: tuple[Mapping[str, int], ...] = ()
    models: tuple[Mapping[str, int], ...] = ()


_SEARCH = Range(regimes=SEARCH_REGIMES, outage=SEARCH_OUTAGE, devices=("h800", "h200"))
RANGES = {
    Split.SEARCH: _SEARCH,
    Split.VALIDATION: Range(
        regimes=VALIDATION_REGIMES,
        outage=VALIDATION_OUTAGE,
        devices=("h100", "b200"),
        topologies=VALIDATION_TOPOLOGIES,
        models=VALIDATION_MODELS,
    ),
    Split.HOLDOUT: Range(
        regimes=HOLDOUT_REGIMES,
        outage=HOLDOUT_OUTAGE,
        devices=("h20", "gb200", "h800"),
        topologies=HOLDOUT_TOPOLOGIES,
        models=HOLDOUT_MODELS,
    ),
    Split.REPORT: _SEARCH,
}
