from __future__ import annotations

from benchmarks.tier_order import order_row


def test_neighbours_that_quick_turns_round_are_counted_and_ties_are_not() -> None:
    full = {"a": 0.9, "b": 0.5, "c": 0.48, "d": 0.1, "unplayed": 0.0}
    quick = {"a": 0.8, "b": 0.4, "c": 0.6, "d": 0.4}
    row = order_row("task", quick, full, dict(full))
    assert row[:4] == ["`task`", "4", "2 of 3", "0.0200"]
    assert row[5].endswith("/ 1.00")
