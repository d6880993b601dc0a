from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.baseline_table import ranking, stored_or_scored, tables
from benchmarks.stamp import RESULTS
from benchmarks.table_parts import between_markers, difference, headroom, score_figures
from benchmarks.table_specs import TABLES
from evaluators.contract import Split, Tier

START, END = "<!-- baseline table: start -->", "<!-- baseline table: end -->"
SPEC = TABLES["expert_replication"]
ROWS = {
    "eplb_global": {**score_figures([("slow", 0.5), ("fast", 0.3)]), "moved_fraction": 0.94},
    "edits": {**score_figures([("slow", 0.6), ("fast", 0.2)]), "moved_fraction": 0.07},
    "oracle": score_figures([("slow", 0.7), ("fast", 0.9)]),
}


def test_programs_are_the_initial_one_and_all_baselines() -> None:
    names = list(SPEC.program_files())
    assert names[0] == "initial"
    assert {"static", "eplb_global", "moe_shard"} <= set(names)


def test_figures_have_an_interval_from_twelve_scores_on() -> None:
    assert score_figures([("slow", 0.25)] * 11)["low"] is None
    figures = score_figures([("slow", 0.0), ("slow", 0.5)] * 6)
    assert figures["score"] == 0.25
    assert figures["low"] < 0.25 < figures["high"]
    assert figures["regimes"] == {"slow": 0.25}


def test_ranking_starts_with_the_oracle_and_then_the_best() -> None:
    first = [line.split(" | ")[0] for line in ranking(SPEC, ROWS).splitlines()]
    assert first == ["| program", "| ---", "| oracle", "| `eplb_global`", "| `edits`"]
    assert "| 94 % |" in ranking(SPEC, ROWS)


def test_headroom_is_the_oracle_minus_the_best_of_the_regime() -> None:
    lines = headroom(ROWS).splitlines()[2:]
    assert lines == [
        "| `slow` | `edits` | 0.600 | 0.700 | +0.100 |",
        "| `fast` | `eplb_global` | 0.300 | 0.900 | +0.600 |",
    ]


def test_only_what_is_between_the_markers_changes() -> None:
    page = f"before\n{START}\nold\n{END}\nafter\n"
    once = between_markers(page, "new")
    assert once == f"before\n{START}\nnew\n{END}\nafter\n"
    assert between_markers(once, "new") == once
    with pytest.raises(ValueError, match="expected the markers"):
        between_markers("no markers", "new")


def test_a_row_at_hand_is_not_scored_again(tmp_path: Path) -> None:
    (tmp_path / "full-search-3-static.json").write_text('{"score": 0.5}')
    assert stored_or_scored(SPEC.task, tmp_path, "static", Tier.FULL, Split.SEARCH, 3) == {"score": 0.5}


@pytest.mark.parametrize("task", TABLES)
def test_the_page_shows_the_stored_figures(task: str) -> None:
    spec = TABLES[task]
    stored = json.loads((RESULTS / f"{spec.name}.json").read_text(encoding="utf-8"))["figures"]
    page = spec.page.read_text(encoding="utf-8")
    assert between_markers(page, tables(spec, stored)) == page
    assert set(stored["search"]) <= {*spec.program_files(), "oracle"}


def test_differences_are_paired() -> None:
    names = [f"{regime}-decode-{i}" for regime in ("slow", "fast") for i in range(8)]
    levels = [i / 10 for i in range(16)]
    reference = {"scores": dict(zip(names, levels, strict=True))}
    gains = {"scores": {n: s + 0.25 for n, s in reference["scores"].items()}}
    assert difference(gains, reference) == "+0.250 (+0.250 .. +0.250)"
    assert difference({}, reference) == "-"
