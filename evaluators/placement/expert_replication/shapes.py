"""Machines and models that the suite plays beyond the default ones, and what is left of a machine without a node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from evaluators.placement.expert_replication.parameters import Shape

VALIDATION_TOPOLOGIES: tuple[Mapping[str, int], ...] = (
    {"gpus": 16, "nodes": 2},
    {"gpus": 48, "nodes": 6},
    {"gpus": 24, "nodes": 6},
    {"gpus": 96, "nodes": 12},  # two slots per GPU with 160 experts
)
HOLDOUT_TOPOLOGIES: tuple[Mapping[str, int], ...] = (
    {"gpus": 32, "nodes": 4},
    {"gpus": 36, "nodes": 9},
    {"gpus": 64, "nodes": 8},
    {"gpus": 144, "nodes": 18},  # two slots per GPU with 256 experts
)
_MIXTRAL = {
    "experts": 8,
    "layers": 32,
    "top_k": 2,
    "groups": 1,
    "group_limit": 1,
    "hidden": 4096,
    "intermediate": 14336,
    "gpus": 8,
    "nodes": 1,
    "redundant": 8,
}
_DBRX = {
    "experts": 16,
    "layers": 40,
    "top_k": 4,
    "groups": 1,
    "group_limit": 1,
    "hidden": 6144,
    "intermediate": 10752,
    "gpus": 8,
    "nodes": 1,
    "redundant": 8,
}
# DeepSeek-V2, Qwen3-Next-80B, gpt-oss-120b, Qwen2-57B, and DBRX, which has too few experts for more than a node.
VALIDATION_MODELS: tuple[Mapping[str, int], ...] = (
    {"experts": 160, "layers": 59, "top_k": 6, "groups": 8, "group_limit": 3, "hidden": 5120, "intermediate": 1536},
    {"experts": 512, "layers": 48, "top_k": 10, "groups": 1, "group_limit": 1, "hidden": 2048, "intermediate": 512},
    {"experts": 128, "layers": 36, "top_k": 4, "groups": 1, "group_limit": 1, "hidden": 2880, "intermediate": 2880},
    {"experts": 64, "layers": 28, "groups": 1, "group_limit": 1, "hidden": 3584, "intermediate": 2560},
    _DBRX,
)
# DeepSeek-V3, Qwen3-235B, one like Kimi-K2, OLMoE, and Mixtral-8x7B, which has too few experts for more than a node.
HOLDOUT_MODELS: tuple[Mapping[str, int], ...] = (
    {},
    {"experts": 128, "layers": 94, "groups": 1, "group_limit": 1, "hidden": 4096, "intermediate": 1536},
    {"experts": 384, "layers": 60, "groups": 1, "group_limit": 1},
    {"experts": 64, "layers": 16, "groups": 1, "group_limit": 1, "hidden": 2048, "intermediate": 1024},
    _MIXTRAL,
)
# For the 32 experts of the shipped trace.
RECORDED_MACHINES: tuple[Mapping[str, int], ...] = (
    {"gpus": 8, "nodes": 1, "redundant": 8},
    {"gpus": 16, "nodes": 2, "redundant": 16},
)
# Small shapes at the edges of the contract, for the smoke tier: a branch no search scenario takes (one slot per GPU,
# several copies of every expert, none to spare) must not rot unseen until the hold-out takes it.
_PLAIN = {"groups": 1, "group_limit": 1, "top_k": 2}
EDGE_SHAPES: tuple[Mapping[str, int], ...] = (
    {**_PLAIN, "experts": 12, "gpus": 16, "nodes": 4, "redundant": 4},
    {**_PLAIN, "experts": 8, "gpus": 16, "nodes": 2, "redundant": 24},
    {**_PLAIN, "experts": 64, "gpus": 8, "nodes": 1, "redundant": 0},
)


def fit_for_an_outage(shape: Shape, *, refit: bool) -> Shape | None:
    """The shape with slots enough that a node can go: as it is, or with more of them where `refit` allows it."""
    left = shape.gpus - shape.gpus // shape.nodes
    if left < 2:  # a single GPU leaves nothing to plan
        return None
    needed = -(-shape.experts // left)
    if shape.slots // shape.gpus >= needed:
        return shape
    return replace(shape, redundant=needed * shape.gpus - shape.experts) if refit else None


def without_a_node(shape: Shape) -> Shape:
    """What is left when one node is gone; GPUs keep their slots."""
    gpus = shape.gpus - shape.gpus // shape.nodes
    slots = shape.slots // shape.gpus * gpus
    return replace(shape, gpus=gpus, nodes=shape.nodes - 1, redundant=slots - shape.experts)
