"""What a user may set."""

from __future__ import annotations

from evaluators.parameter_specs import choice, file, integer
from evaluators.scheduling.table_reorder.patterns import PATTERNS

MIXED = "mixed"
MOST_ROWS = 3000
MOST_CAPACITY = 1_000_000_000
DEFAULT_ROWS = 500  # of a stretch of a long table of the user's

# What is not set is the suite's to choose: some values in search and validation, others in the hold-out.
PARAMETERS = (
    integer("rows", 0, 0, MOST_ROWS, "rows of a table; 0: by scenario, 200 to 1500"),
    choice("pattern", MIXED, (MIXED, *PATTERNS), "schema of drawn tables; mixed: by scenario"),
    integer("block", 0, 0, 4096, "tokens of a block of the cache; 0: by scenario, 1 to 64"),
    integer("capacity", 0, 0, MOST_CAPACITY, "tokens the cache holds, at least the longest prompt; 0: by scenario"),
    integer("in_flight", 0, 0, 1024, "prompts served at a time; 0: by scenario, 1 to 32"),
    file(
        "table",
        "a table of your own: CSV in UTF-8 with a line of names; a cell has as many tokens as its value, its name and "
        "three more have characters, divided by 4; the report split plays it as it is, the others parts of it",
    ),
)
