"""What a user may set."""

from __future__ import annotations

from evaluators.parameter_specs import choice, file, integer, number
from evaluators.placement.tier_cache.patterns import PATTERNS

MIXED = "mixed"
UNSET = -1
MOST_OBJECTS = 16384
MOST_EVENTS = 1 << 15  # of a trace of so many steps as the user set
MOST_LOGITS = 1 << 23  # of such a trace: events x experts x tokens

# What is not set is the suite's to choose: some values in search and validation, others in the hold-out.
PARAMETERS = (
    integer("layers", 0, 0, 128, "layers with experts; 0: by scenario"),
    integer("experts", 0, 0, 1024, "experts of each layer; 0: by scenario, or the highest id of a trace and one"),
    integer("top_k", 0, 0, 64, "experts of a token; 0: by scenario"),
    integer("tokens", 0, 0, 64, "tokens decoded side by side; 0: by scenario, 1 with a trace"),
    number("capacity", 0.0, 0.0, 100.0, "experts that fit on the GPU, percent of all; 0: by scenario, 10 to 50"),
    integer("load_us", 0, 0, 1_000_000, "an expert over the link; 0: by scenario"),
    integer("dense_us", 0, 0, 1_000_000, "dense part of a layer; 0: by scenario"),
    integer("expert_us", 0, 0, 1_000_000, "computing of an expert that has tokens; 0: by scenario"),
    number("hint", UNSET, UNSET, 1.0, "accuracy of the hints for the next layer, 0: none; -1: by scenario"),
    integer("lookahead", UNSET, UNSET, 256, "future events that are shown; -1: by scenario"),
    integer("steps", 0, 0, 2000, "decode steps of a trace; 0: by tier"),
    choice("pattern", MIXED, (MIXED, *PATTERNS), "how the router chooses; mixed: by scenario"),
    file(
        "trace",
        "recorded choices of your own: .npy of integers [tokens, layers, k], tokens in the order of the text; splits "
        "play disjoint stretches",
    ),
)
