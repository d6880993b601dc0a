from __future__ import annotations

from benchmarks.strategies_table import ends_of, gains_of, table
from evolve.strategies import compare_strategies


def a_curve(strategy: str, search: float, champion: float, leader: float | None) -> dict[str, object]:
    led = {} if leader is None else {"leader_holdout": leader}
    return {"strategy": strategy, "leaders": [{"search": search}], "holdout": [0.0, champion], **led}


def shown(curves: list[dict[str, object]]) -> list[str]:
    searches, holdouts = ends_of(curves)
    return table(compare_strategies(searches, {}), compare_strategies(holdouts, {}), gains_of(curves)).splitlines()


def test_a_champion_is_compared_with_the_leader_of_its_own_run() -> None:
    curves = [a_curve("default", 0.5, 0.4, 0.3), a_curve("default", 0.7, 0.6, 0.6)]
    curves += [a_curve("hill", 0.5, 0.3, 0.2), a_curve("hill", 0.6, 0.5, 0.4)]
    head, _, default, hill = shown(curves)
    assert head.endswith("| above the leader's |")
    assert default.startswith("| `default` | 0.6000 |  | 0.5000 |  | +0.0500 [")
    assert hill.startswith("| `hill` | 0.5500 | -0.0500 [")
    assert hill.endswith("| **+0.1000 [+0.1000, +0.1000]** |")


def test_a_result_without_leaders_on_the_holdout_has_no_such_column() -> None:
    head, _, row = shown([a_curve("default", 0.5, 0.4, None)])
    assert head == "| strategy | leader's search score | difference | hold-out score | difference |"
    assert row == "| `default` | 0.5000 |  | 0.4000 |  |"
