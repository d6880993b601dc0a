"""What a user may set to make the task their own."""

from __future__ import annotations

from evaluators.balancing.moe_loss.corpus import Mix
from evaluators.contract import Parameter, ParameterKind
from evaluators.kernels.profiles import LIBRARY as PROFILES
from evaluators.kernels.profiles import shipped_text
from evaluators.parameter_specs import choice, file, integer, number

PARAMETERS = (
    integer("experts", 16, 4, 256, "routed experts per layer; unset: 16, and others on the hold-out"),
    integer("top_k", 2, 2, 32, "experts per byte; unset: 2, and others on the hold-out"),
    integer("null_experts", 0, 0, 64, "further experts per layer that have no weights; their even share costs no time"),
    choice("null_kind", "zero", ("zero", "copy"), "what these give: nothing, or what they got"),
    number("capacity", 0.0, 0.0, 16.0, "training drops the smallest gates beyond so many even shares; 0: drops none"),
    choice("gate", "softmax", ("softmax", "sigmoid"), "router scores; unset: both"),
    choice("mix", "uniform", tuple(Mix), "how often each domain is seen; unset: by regime"),
    integer("layers", 2, 1, 12, "layers"),
    integer("width", 48, 16, 1024, "width of the model, a multiple of 4"),
    integer("expert_width", 32, 8, 2048, "hidden width of an expert"),
    integer("steps", 90, 10, 100_000, "optimiser steps of a training; unset: by tier"),
    integer("micro_batches", 8, 1, 16, "micro-batches of a step of 16 sequences; a divisor of 16"),
    number("expert_share", 0.5, 0.0, 1.0, "share of a balanced step's time that is spent in experts"),
    number("nats_per_time", 0.1, 0.0, 10.0, "cross-entropy lost per e-fold of step time"),
    file(
        "profile",
        "measured times of experts and of a layer, a name or a JSON file: sets expert_share and what imbalance "
        f"costs; unset: time in proportion to tokens; {shipped_text()}",
        PROFILES,
    ),
    Parameter(
        name="corpus",
        kind=ParameterKind.FOLDER,
        default="",
        description="a folder of folders with text files: one folder is one domain; unset: the made corpus",
    ),
)
