"""Every table of the pages that a script writes says what its result file says, and which revision it is of."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmarks import (
    baseline_table,
    broadcast_fit,
    job_shop_gaps,
    moe_ranking,
    moe_table,
    packing_table,
    spot_table,
    strategies_table,
    topology_gaps,
)
from benchmarks.stamp import RESULTS
from benchmarks.table_parts import ORACLE, between_markers
from benchmarks.table_specs import TABLES
from evaluators import registry
from evolve.strategies import compare_strategies

DOCS = Path(__file__).parents[1] / "docs"
TASK_PAGES = DOCS / "tasks"
MARKER = re.compile(r"<!-- ([a-z ]+): start -->")
STRATEGIES = {  # result file: page; the page shows the rows in an order, and with columns, of its own
    "strategies_parts_small_machine": DOCS / "search.md",
    "strategies_elites_small_machine": DOCS / "search.md",
    "strategies_expert_replication": DOCS / "search.md",
}


def stored(name: str) -> Mapping[str, Any]:
    figures: Mapping[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))["figures"]
    return figures


def baselines(task: str) -> Callable[[], str]:
    return lambda: baseline_table.tables(TABLES[task], stored(TABLES[task].name))


WRITTEN: Mapping[tuple[str, str], Callable[[], str]] = {  # (page, marker): what its script writes there
    **{(task, "baseline table"): baselines(task) for task in TABLES},
    ("broadcast", "fit table"): lambda: broadcast_fit.fit_table(stored("broadcast_fit")),
    ("broadcast", "grid ranking"): lambda: broadcast_fit.ranking_table(stored("broadcast_fit")),
    ("expert_topology", "gaps table"): lambda: topology_gaps.markdown(stored("expert_topology_gaps")),
    ("job_shop", "public gaps"): lambda: job_shop_gaps.markdown(stored("job_shop_gaps")),
    ("model_packing", "published table"): lambda: packing_table.markdown(stored("packing_table")),
    ("moe_loss", "baseline table"): moe_table.all_tables,
    ("moe_loss", "ranking"): lambda: moe_ranking.told(stored("moe_ranking")),
    ("spot_deadline", "published table"): lambda: spot_table.markdown(stored("spot_table")),
}


def page(name: str) -> str:
    return (TASK_PAGES / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "marker"), WRITTEN)
def test_a_page_shows_what_was_measured_last(name: str, marker: str) -> None:
    assert between_markers(page(name), WRITTEN[name, marker](), marker) == page(name)


def test_no_table_between_markers_is_left_out_here() -> None:
    marked = {(path.stem, marker) for path in TASK_PAGES.glob("*.md") for marker in MARKER.findall(path.read_text())}
    assert marked == set(WRITTEN)


@pytest.mark.parametrize("task", TABLES)
def test_every_program_has_a_row_in_every_table(task: str) -> None:
    for part in ("search", "holdout", *(["quick"] if TABLES[task].quick else [])):
        assert stored(TABLES[task].name)[part].keys() - {ORACLE} == TABLES[task].program_files().keys()


@pytest.mark.parametrize("task", TABLES)
def test_a_page_says_why_figures_of_an_earlier_revision_hold(task: str) -> None:
    measured, current = stored(TABLES[task].name)["revision"], registry.problem(task).task.revision
    told = re.sub(r"<!-- baseline table: start -->.*<!-- baseline table: end -->", "", page(task), flags=re.DOTALL)
    said = re.search(rf"revision {measured}\b[^.]*\bhold for revision {current}\b", told.replace("\n", " "))
    assert measured == current or said, f"the tables of {task} are of revision {measured}, the task is at {current}"


@pytest.mark.parametrize("name", STRATEGIES)
def test_rows_of_strategies_are_those_of_their_result(name: str) -> None:
    curves = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))["curves"]
    searches, holdouts = strategies_table.ends_of(curves)
    gains = strategies_table.gains_of(curves)
    written = strategies_table.table(compare_strategies(searches, {}), compare_strategies(holdouts, {}), gains)
    shown = [
        words(line) for line in STRATEGIES[name].read_text(encoding="utf-8").splitlines() if line.startswith("| `")
    ]
    for row in map(words, written.splitlines()[2:]):
        assert any(row <= line for line in shown), sorted(row)


def words(line: str) -> set[str]:
    return set(line.replace("|", " ").split())
