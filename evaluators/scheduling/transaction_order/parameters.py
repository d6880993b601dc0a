"""What a user may set."""

from __future__ import annotations

from evaluators.parameter_specs import choice, file, integer, number
from evaluators.scheduling.transaction_order.patterns import PATTERNS
from evaluators.scheduling.transaction_order.scenario import Kind

MIXED = "mixed"
MOST_TRANSACTIONS = 400
DEFAULT_TRANSACTIONS = 100  # of a stretch of a long recording
DEFAULT_WAITING = 24
DEFAULT_ADMIT = 2
UNSET_SKEW = -1.0

# What is not set is the suite's to choose: some values in search and validation, others in the hold-out.
PARAMETERS = (
    integer("transactions", 0, 0, MOST_TRANSACTIONS, "transactions of a batch; 0: by scenario, 60 to 300"),
    choice("kind", MIXED, (MIXED, *Kind), "all known at once, or a stream of which the waiting ones are seen"),
    integer("waiting", DEFAULT_WAITING, 2, MOST_TRANSACTIONS, "transactions that wait in a stream; unset: by scenario"),
    integer("admit", DEFAULT_ADMIT, 1, MOST_TRANSACTIONS, "admitted between two calls in a stream; unset: by scenario"),
    choice("pattern", MIXED, (MIXED, *PATTERNS), "what generated batches look like; mixed: by scenario"),
    number(
        "skew", UNSET_SKEW, UNSET_SKEW, 3.0, "Zipf exponent of the keys, with a pattern that has one; -1: by scenario"
    ),
    file(
        "workload",
        'transactions of your own: JSON [["r-KEY", "w-KEY", ...], ...], or {NAME: [[...], ...], ...}; the report split '
        "plays them as they are, the others parts of them, reordered and renumbered",
    ),
    integer(
        "known_moves", 0, 0, 1_000_000, "insertions of a long search for a best known makespan of each batch; 0: none"
    ),
)
