"""The kinds of scenario that each split plays.

Search and validation share regimes and differ by seed; the hold-out has other models, fleets, loads and mixes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from evaluators.contract import Split
from evaluators.scheduling.llm_serving.fleet import Goal

Kind = tuple[str, str, int]  # model, gpu, GPUs per replica
SMALL: Kind = ("llama3-8b", "a100", 1)
LARGE: Kind = ("llama3-70b", "a100", 4)
TIGHT: Kind = ("llama2-70b", "a100", 2)  # room for 51k KV tokens
OLD: Kind = ("llama2-70b", "a100", 4)
NEW: Kind = ("llama2-70b", "h100", 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """One kind of scenario."""

    name: str
    service: str = "conversation"
    replicas: tuple[Kind, ...] = (SMALL,) * 4
    prefill_replicas: int = 0  # the first of them compute prompts only, the others decode only; 0: all do both
    load: float = 0.82  # of the proven capacity
    slo_ttft_s: float = 1.0
    slo_tpot_s: float = 0.05
    priority_share: float = 0.0
    prediction_sigma: float = math.inf  # of the logarithm of predicted over true output; no predictions
    fails_at: float = 0.0  # share of the time at which replica 1 fails, back after a quarter of the time; 0: never
    size: float = 1.0  # requests, relative to the tier's
    goal: Goal = Goal.NONE  # beside latency
    small_quality: float = 1.0  # of answers by a model that is not the fleet's largest; the largest's are worth 1


SEARCH_REGIMES = (
    Regime(name="conv-light", load=0.78),
    Regime(name="conv", load=0.88),
    Regime(name="conv-heavy", load=1.02),
    Regime(name="code", service="code", load=0.25, slo_ttft_s=2.0),
    Regime(name="kv-bound", replicas=(TIGHT,) * 4, load=0.55, slo_ttft_s=5.0, slo_tpot_s=0.15),
    Regime(
        name="sessions", service="sessions", replicas=(SMALL,) * 6, load=0.75, slo_ttft_s=10.0, slo_tpot_s=0.1, size=0.7
    ),
    Regime(name="documents", service="documents", load=0.36, slo_ttft_s=5.0, slo_tpot_s=0.1, size=0.7),
    Regime(name="unequal", replicas=(OLD, OLD, NEW), load=0.4, slo_ttft_s=2.0, slo_tpot_s=0.1),
    Regime(name="split", prefill_replicas=2, load=0.6, slo_ttft_s=1.0, slo_tpot_s=0.03),
    Regime(name="priority", load=0.92, priority_share=0.1),
    Regime(name="predicted", replicas=(LARGE,) * 4, load=0.78, slo_ttft_s=2.0, slo_tpot_s=0.1, prediction_sigma=0.6),
    Regime(name="failure", load=0.75, fails_at=0.5),
    Regime(name="power", load=0.45, goal=Goal.ENERGY),
    Regime(name="co-serving", load=0.45, goal=Goal.TUNING),
    Regime(
        name="two-models",
        replicas=(SMALL, SMALL, LARGE, LARGE),
        load=0.5,
        slo_ttft_s=2.0,
        slo_tpot_s=0.1,
        goal=Goal.QUALITY,
        small_quality=0.6,
    ),
)
HOLDOUT_REGIMES = (
    Regime(name="conv-medium", load=0.84, replicas=(SMALL,) * 3),
    Regime(name="conv-70b", replicas=(LARGE,) * 4, load=0.72, slo_ttft_s=2.0, slo_tpot_s=0.1),
    Regime(name="conv-many", replicas=(SMALL,) * 8, load=0.95),
    Regime(name="code-70b", service="code", replicas=(LARGE,) * 3, load=0.15, slo_ttft_s=4.0, slo_tpot_s=0.1),
    Regime(name="kv-bound-three", replicas=(TIGHT,) * 3, load=0.56, slo_ttft_s=5.0, slo_tpot_s=0.2),
    Regime(name="sessions-four", service="sessions", load=0.65, slo_ttft_s=8.0, slo_tpot_s=0.08, size=0.7),
    Regime(
        name="documents-six",
        service="documents",
        replicas=(SMALL,) * 6,
        load=0.4,
        slo_ttft_s=5.0,
        slo_tpot_s=0.1,
        size=0.7,
    ),
    Regime(name="unequal-five", replicas=(OLD, NEW, OLD, NEW, OLD), load=0.5, slo_ttft_s=2.0, slo_tpot_s=0.1),
    Regime(name="split-three", prefill_replicas=3, load=0.6, slo_ttft_s=1.5, slo_tpot_s=0.03),
    Regime(name="priority-third", load=0.88, priority_share=0.3),
    Regime(
        name="predicted-badly", replicas=(TIGHT,) * 4, load=0.55, slo_ttft_s=5.0, slo_tpot_s=0.15, prediction_sigma=1.2
    ),
    Regime(name="mixed-failure", service="mixed", load=0.4, slo_ttft_s=2.0, fails_at=0.3),
    Regime(name="power-70b", replicas=(LARGE,) * 3, load=0.3, slo_ttft_s=2.0, slo_tpot_s=0.1, goal=Goal.ENERGY),
    Regime(name="co-serving-mixed", service="mixed", load=0.35, slo_ttft_s=2.0, goal=Goal.TUNING),
    Regime(
        name="two-models-five",
        replicas=(SMALL, LARGE, LARGE, SMALL, LARGE),
        load=0.4,
        slo_ttft_s=3.0,
        slo_tpot_s=0.1,
        goal=Goal.QUALITY,
        small_quality=0.75,
    ),
)
REGIMES = {
    Split.SEARCH: SEARCH_REGIMES,
    Split.VALIDATION: SEARCH_REGIMES,  # own ones ranked programs worse: docs/search.md
    Split.HOLDOUT: HOLDOUT_REGIMES,
    Split.REPORT: SEARCH_REGIMES,
}
# At the edges of the contract: one replica, a short queue, a split of one and one.
EDGE_REGIMES = (
    Regime(name="one", replicas=(SMALL,), load=0.6, size=0.5),
    Regime(name="pair", replicas=(SMALL,) * 2, prefill_replicas=1, load=0.5, size=0.5),
)
