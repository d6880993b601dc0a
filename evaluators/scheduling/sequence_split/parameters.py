"""What a user may set."""

from __future__ import annotations

from evaluators.parameter_specs import choice, file, integer, number
from evaluators.scheduling.sequence_split.lengths import PATTERNS
from evaluators.scheduling.sequence_split.machine import Sync

MIXED = "mixed"
MOST_SEQUENCES = 1024
MOST_RANKS = 256
DEFAULT_SEQUENCES = 256  # of a batch of a long recording

# What is not set (0, or mixed) is the suite's to choose: some values in search and validation, others in the hold-out.
PARAMETERS = (
    integer("sequences", 0, 0, MOST_SEQUENCES, "sequences of a batch; 0: by scenario, 64 to 512"),
    integer("ranks", 0, 0, MOST_RANKS, "ranks that share the batch; 0: by scenario, 6 to 64"),
    integer("ranks_per_node", 0, 0, MOST_RANKS, "ranks of a node; 0: by scenario"),
    integer("cap", 0, 0, 10_000_000, "tokens of a rank in a micro-batch; 0: by scenario, so that a few are needed"),
    integer("micro_batches", 0, 0, 64, "micro-batches at most, more where first fit needs them; 0: by scenario"),
    number("linear_us", 0.0, 0.0, 1e6, "time of a token, microseconds, without attention; 0: by scenario"),
    number("crossover", 0.0, 0.0, 1e9, "tokens at which attention takes as long as the rest; 0: by scenario"),
    number("kv_kib", 0.0, 0.0, 1e6, "KiB that a token moves per hop of the ring, all layers; 0: by scenario"),
    number("intra_gb_s", 0.0, 0.0, 1e5, "GB/s of a rank inside its node; 0: by scenario"),
    number("inter_gb_s", 0.0, 0.0, 1e5, "GB/s of a rank to other nodes; 0: by scenario"),
    number("hop_us", -1.0, -1.0, 1e7, "time of a hop of the ring beside that of its bytes; -1: 1000"),
    number("overhead_us", -1.0, -1.0, 1e9, "time of a micro-batch beside that of its sequences; -1: 50000"),
    choice("sync", MIXED, (MIXED, *Sync), "ranks wait after every micro-batch (step), or once (gradient)"),
    choice("ring", MIXED, (MIXED, "overlapped", "exposed"), "whether the ring runs beside attention"),
    choice("pattern", MIXED, (MIXED, *PATTERNS), "what generated lengths look like; mixed: by scenario"),
    file(
        "lengths",
        "lengths of your own: JSON [tokens, ...] or a one-dimensional .npy of whole numbers; the report split plays "
        "them in order, the others batches of them",
    ),
)
