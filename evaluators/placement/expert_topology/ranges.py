"""What each split plays where the user left it open.

Each split has kinds of routing, machines, models and devices of its own, so a program is chosen on what it was not bred
on, and judged on what it was not chosen on. Models are given by what counts here: experts, choices and widths.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evaluators.contract import Split
from evaluators.placement.expert_topology.workload import Regime

Machine = Mapping[str, int]
Model = Mapping[str, int]

SEARCH_REGIMES = (
    Regime(name="chained", boost=6.0, popularity=0.4, topical=0.3),
    Regime(name="skewed", popularity=1.0, boost=2.0),
    Regime(name="topical", topical=1.3, locality=0.9, boost=1.5, popularity=0.4),
    Regime(name="clans", boost=3.5, clan=4, popularity=0.5),
    Regime(name="spare", boost=3.0, clan=2, popularity=0.9, locality=0.5, spare=0.25),
)
VALIDATION_REGIMES = (
    Regime(name="linked", boost=5.0, fanout=2, popularity=0.6, topical=0.5),
    Regime(name="uneven", popularity=1.1, boost=1.0, topical=0.8),
    Regime(name="rooted", topical=1.1, locality=0.7, topics=12, boost=2.5),
    Regime(name="families", boost=3.0, clan=6, popularity=0.7),
    Regime(name="doubled", boost=4.0, popularity=0.7, spare=0.5, locality=0.3),
)
HOLDOUT_REGIMES = (
    Regime(name="woven", boost=4.0, fanout=3, popularity=0.5, topical=0.8, topics=16),
    Regime(name="steep", popularity=1.4, boost=3.5),
    Regime(name="moved", topical=1.2, locality=0.8, shift=0.5, boost=3.0, drift=0.2),
    Regime(name="tribes", boost=3.0, clan=8, popularity=0.3),
    Regime(name="copied", boost=5.0, popularity=1.0, topical=0.9, locality=0.6, spare=0.5),
)

SEARCH_MACHINES: tuple[Machine, ...] = (
    {"gpus": 16, "nodes": 2},
    {"gpus": 8, "nodes": 2},
    {"gpus": 16, "nodes": 4},
    {"gpus": 8, "nodes": 1},
)
VALIDATION_MACHINES: tuple[Machine, ...] = ({"gpus": 12, "nodes": 2}, {"gpus": 32, "nodes": 4}, {"gpus": 4, "nodes": 1})
HOLDOUT_MACHINES: tuple[Machine, ...] = (
    {"gpus": 32, "nodes": 4},
    {"gpus": 12, "nodes": 3},
    {"gpus": 32, "nodes": 8},
    {"gpus": 64, "nodes": 8},
)


def _model(experts: int, top_k: int, hidden: int, intermediate: int, layers: int) -> Model:
    return {
        "experts": experts,
        "top_k": top_k,
        "hidden": hidden,
        "intermediate": intermediate,
        "layers": layers,
    }


# Widths of a large top-2 model, DeepSeek-V2-Lite, gpt-oss-20b, and a top-1 model of the Switch kind.
SEARCH_MODELS = (
    _model(64, 2, 4096, 8192, 24),
    _model(64, 6, 2048, 1408, 26),
    _model(32, 4, 2880, 2880, 24),
    _model(32, 1, 2048, 8192, 24),
)
# Of Qwen1.5-MoE-A2.7B, DBRX, and a smaller top-2 model.
VALIDATION_MODELS = (
    _model(60, 4, 2048, 1408, 24),
    _model(16, 4, 6144, 10752, 40),
    _model(48, 2, 3072, 6144, 24),
)
# Of OLMoE, Phi-3.5-MoE, Qwen3-30B-A3B, a wide top-1 model, and Mixtral-8x7B.
HOLDOUT_MODELS = (
    _model(64, 8, 2048, 1024, 16),
    _model(16, 2, 4096, 6400, 32),
    _model(128, 8, 2048, 768, 48),
    _model(128, 1, 2048, 8192, 24),
    _model(8, 2, 4096, 14336, 32),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """What a split plays where the user left it open."""

    regimes: tuple[Regime, ...]
    machines: tuple[Machine, ...]
    models: tuple[Model, ...]
    devices: tuple[str, ...]


_SEARCH = Range(regimes=SEARCH_REGIMES, machines=SEARCH_MACHINES, models=SEARCH_MODELS, devices=("h800", "h200"))
RANGES = {
    Split.SEARCH: _SEARCH,
    Split.VALIDATION: Range(
        regimes=VALIDATION_REGIMES,
        machines=VALIDATION_MACHINES,
        models=VALIDATION_MODELS,
        devices=("h100", "b200"),
    ),
    Split.HOLDOUT: Range(
        regimes=HOLDOUT_REGIMES, machines=HOLDOUT_MACHINES, models=HOLDOUT_MODELS, devices=("h20", "gb200", "h800")
    ),
    Split.REPORT: _SEARCH,
}
# Small shapes at the edges of the contract, for the smoke tier: one slot per GPU, several copies, one choice, one node.
EDGES: tuple[Mapping[str, int], ...] = (
    {"gpus": 8, "nodes": 2, "experts": 8, "top_k": 2, "redundant": 0},
    {"gpus": 8, "nodes": 4, "experts": 12, "top_k": 3, "redundant": 12},
    {"gpus": 4, "nodes": 1, "experts": 16, "top_k": 1, "redundant": 0},
    {"gpus": 6, "nodes": 3, "experts": 16, "top_k": 4, "redundant": 2},
)
