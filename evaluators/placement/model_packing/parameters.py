"""What a user may set: the fleet, the models on it, how much may move, or a recorded cluster."""

from __future__ import annotations

from evaluators.parameter_specs import choice, file, integer, number

MIXED = "mixed"
PUBLISHED = "published"
JITTER = 0.3
MOST_GPUS = 512
MOST_PARTS = 4096

# What is not set is the suite's to choose: some values in search and validation, others in the hold-out.
PARAMETERS = (
    integer("gpus", 0, 0, MOST_GPUS, "GPUs of a drawn cluster; 0: 5 to 40, by regime; 24 to 64 in the hold-out"),
    number(
        "memory_gb", 0.0, 0.0, 4096.0, "memory of each GPU; 0: by regime, 24 to 141 GB; 16 to 192 GB in the hold-out"
    ),
    number("parts_per_gpu", 0.0, 0.0, 32.0, "parts of models per GPU; 0: 2 to 4, by regime"),
    number("load", 0.0, 0.0, 0.97, "weights over memory, of the whole fleet; 0: 0.49 to 0.95, by regime"),
    number("budget", 0.12, 0.0, 1.0, "share of the placed GB that may move, where models have homes; unset: by regime"),
    choice(
        "suite",
        MIXED,
        (MIXED, PUBLISHED),
        "published: the fifty public instances of Prism's problem in ADRS, in every split; nothing else is set then",
    ),
    file(
        "cluster",
        'your own, one or a list: {"gpus": [{"memory_gb", "count"}], "models": [{"size_gb", "rate", "slo", "parts", '
        '"home"}], "budget_gb"}; the report split plays it as it is, the others with jittered rates',
    ),
    number("jitter", JITTER, 0.0, 2.0, "of the logarithm of a model's rate, in clusters of a file"),
)
