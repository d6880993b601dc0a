from __future__ import annotations

import pytest

from archive.queries import TWIN
from evolve.cli.sessions import some_ran


@pytest.mark.parametrize(
    ("outcomes", "ran"),
    [
        ({TWIN: 5, "rejected": 2}, True),  # a twin has a score, if not one of its own
        ({"stopped": 1}, True),
        ({"scored": 1, "crashed": 4}, True),
        ({"crashed": 4, "rejected": 1}, False),
        ({}, False),
    ],
)
def test_a_run_in_which_some_program_ran_ends_well(outcomes: dict[str, int], ran: bool) -> None:
    assert some_ran(outcomes) is ran
