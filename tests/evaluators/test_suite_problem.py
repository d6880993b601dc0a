"""Settings and files with which no program could score above the weak baseline are refused, not scored 0 for ever."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evaluators.contract import ContractError, Split, Tier
from evaluators.registry import problem
from evaluators.seeding import SeedSource, secret_from_seed


def draw(task: str, settings: dict[str, str], split: Split = Split.SEARCH, tier: Tier = Tier.QUICK) -> int:
    """How many scenarios there are."""
    return len(problem(task).configured(settings).instances(tier, split, SeedSource(secret_from_seed(0), split)))


@pytest.mark.parametrize(
    ("task", "settings", "weak"),
    [
        ("table_reorder", {"block": "4096", "rows": "60"}, "original"),
        ("table_reorder", {"in_flight": "80", "rows": "80"}, "original"),
        ("tier_cache", {"capacity": "100"}, "lru"),
    ],
)
@pytest.mark.parametrize("split", [Split.SEARCH, Split.HOLDOUT])
def test_settings_with_which_nothing_can_be_won_are_refused(
    task: str, settings: dict[str, str], weak: str, split: Split
) -> None:
    with pytest.raises(ContractError, match=f"nothing can be won on the {split} split: .* scenarios {weak} reaches"):
        draw(task, settings, split)


@pytest.mark.parametrize(
    ("task", "parameter", "text"),
    [
        ("table_reorder", "table", "a,b\n" + "".join(f"x{i},y{i}\n" for i in range(60))),
        ("transaction_order", "workload", json.dumps([["r-a", f"w-{i}"] for i in range(40)])),
        ("job_shop", "instances", json.dumps({"a": {"d": [[3], [4], [5]], "m": [[0], [0], [0]]}})),
        ("job_shop", "instances", json.dumps({"a": {"d": [[3, 4]], "m": [[1, 0]]}})),
    ],
)
def test_a_file_with_which_nothing_can_be_won_is_refused(tmp_path: Path, task: str, parameter: str, text: str) -> None:
    path = tmp_path / "mine.txt"
    path.write_text(text)
    with pytest.raises(ContractError, match=f"{parameter}: nothing can be won on the search split"):
        draw(task, {parameter: str(path)})
    assert draw(task, {parameter: str(path)}, tier=Tier.SMOKE)  # where the score counts for nothing
    assert draw(task, {parameter: str(path)}, Split.REPORT, Tier.REPORT)  # what is there, as it is


def test_what_leaves_something_to_win_in_some_scenarios_is_played() -> None:
    assert draw("table_reorder", {"in_flight": "300", "rows": "310"}) == 28
    assert draw("tier_cache", {"capacity": "90", "steps": "20"}) == 28
