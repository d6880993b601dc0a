"""Records to frames, and frames to figures; no Streamlit."""

from __future__ import annotations

import math
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import altair as alt
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import marks, queries, run_summaries, run_views, views
from archive.marks import ColourBy
from archive.records import StoredEvaluation
from archive.run_summaries import RunSummary
from archive.run_views import FounderScore, Told
from archive.store import Archive
from archive.views import Point
from dashboard.charts import candidate as candidate_charts
from dashboard.charts import compare as compare_charts
from dashboard.charts import leaderboard as leaderboard_charts
from dashboard.charts import map as map_charts
from dashboard.charts import run as run_charts
from dashboard.facts import TaskFacts, facts_from_json, facts_of, facts_to_json
from dashboard.launch import server_command, server_environment
from dashboard.settings import Settings
from dashboard.views import candidate as candidate_view
from dashboard.views import compare as compare_view
from dashboard.views import leaderboard as leaderboard_view
from dashboard.views import map as map_view
from dashboard.views import pairing, trust
from dashboard.views import run as run_view
from dashboard.views.fold import MAX_BINS, MAX_STEPS, RunFold, Step
from dashboard.views.run import Budget
from evaluators.contract import Direction, Outcome, Picture, Split, Tier
from evaluators.toy import PROBLEM
from tests.archive import samples
from tests.archive.samples import RUN_ID
from tests.dashboard.seeded import HOSTILE_PROGRAM, PICTURES, evaluation, program


def told(index: int, score: float | None = None, outcome: str = "scored") -> Told:
    return Told(
        tell_order=index,
        index=index,
        island=index % 2,
        proposer="genetic",
        operator="mutate+crossover" if index % 2 else "mutate",
        candidate_id=f"{index:064x}",
        told_at=f"2026-05-01T12:00:{min(index, 59):02d}+00:00",
        outcome=outcome,
        score=score,
    )


def stored(number: int, objective: float, split: Split = Split.SEARCH, tier: Tier = Tier.QUICK) -> StoredEvaluation:
    return StoredEvaluation(
        id=number,
        candidate_id=f"{number:064x}",
        run_id=RUN_ID,
        attempt_index=None,
        evaluation=evaluation(objective, tier, split),
        created_at=samples.NOW,
    )


def fold_of(archive: Archive) -> RunFold:
    fold = RunFold()
    for page in run_views.told_after(archive, RUN_ID):
        fold.add(page)
    return fold


class TestLeaderboard:
    def boards(self, archive: Archive) -> list[leaderboard_view.Board]:
        return leaderboard_view.boards(queries.leaderboard(archive), views.league_outcomes(archive))

    def test_a_league_is_one_board(self, seeded: Archive) -> None:
        (board,) = self.boards(seeded)
        assert board.holdout_tier == "full"
        assert board.outcomes["tampered"] == 1
        frame = leaderboard_view.board_frame(board)
        assert len(frame) == len(board.rows)
        leader = frame.iloc[0]
        assert leader["gap"] == pytest.approx(leader["search"] - leader["holdout"])

    def test_leagues_are_never_ranked_together(self, seeded: Archive) -> None:
        rows = queries.leaderboard(seeded)
        elsewhere = [replace(row, environment_class="arm64") for row in rows]
        boards = leaderboard_view.boards([*rows, *elsewhere], {})
        assert [len(board.rows) for board in boards] == [len(rows), len(rows)]

    def test_csv_holds_the_league_and_no_formula(self, seeded: Archive) -> None:
        (board,) = self.boards(seeded)
        frame = leaderboard_view.board_frame(board).assign(name="=cmd()")
        text = leaderboard_view.csv_of(board, frame).decode()
        assert "'=cmd()" in text
        assert ",=cmd()" not in text
        assert board.league.environment_class in text
        assert text.count("\n") == len(frame) + 1

    def test_outcomes_read_like_a_sentence(self) -> None:
        counts = Counter({"scored": 1200, "timed_out": 3})
        assert leaderboard_view.outcome_sentence(counts) == "1,203 evaluations: 1,200 scored, 3 timed out"
        assert leaderboard_view.outcome_sentence(Counter()) == "no evaluation yet"

    def test_chart_needs_a_ranked_program(self, seeded: Archive) -> None:
        (board,) = self.boards(seeded)
        frame = leaderboard_view.board_frame(board)
        assert leaderboard_charts.interval_chart(frame[frame["rank"].isna()], 1.0, "half") is None
        chart = leaderboard_charts.interval_chart(frame, 1.0, "half")
        assert chart is not None
        assert "proven bound" in chart.to_json()

    def test_lines_have_names_and_left_out_programs_are_counted(self, seeded: Archive) -> None:
        (board,) = self.boards(seeded)
        frame = leaderboard_view.board_frame(board)
        many = pd.concat([frame[frame["rank"].notna()]] * 4, ignore_index=True).assign(low=0.0)
        chart = leaderboard_charts.interval_chart(many, 1.0, "half")
        assert chart is not None
        texts = [layer for layer in chart.to_dict()["layer"] if layer["mark"]["type"] == "text"]
        assert [layer["encoding"]["text"]["field"] for layer in texts] == ["line", "line"]
        assert leaderboard_view.chart_caption(many, 15).startswith(f"The 15 best of {len(many)} ranked programs. ")
        assert leaderboard_view.chart_caption(frame, 15).startswith("Intervals are of each program alone")

    def test_defaults_are_not_in_a_title(self, seeded: Archive) -> None:
        (board,) = self.boards(seeded)
        assert board.title({}) == "toy gpus=16 skew=1.5 profile=h200"
        assert board.title({"gpus": 16, "profile": "a100"}) == "toy skew=1.5 profile=h200"
        assert run_view.parameters_text('{"circles": 0}', {"circles": 0}) == ""

    def test_noise_is_no_negative_score(self, seeded: Archive) -> None:
        (board,) = self.boards(seeded)
        rows = [replace(row, holdout=-5e-12, search=-5e-12) for row in board.rows[:1]]
        (shown,) = leaderboard_view.board_frame(replace(board, rows=rows)).to_dict("records")
        assert f"{shown['holdout']:.4f} {shown['search']:.4f} {shown['gap']:.4f}" == "0.0000 0.0000 0.0000"


class TestRunFold:
    @given(st.lists(st.one_of(st.none(), st.floats(-1, 1)), max_size=40))
    def test_the_best_so_far_only_rises(self, scores: list[float | None]) -> None:
        fold = RunFold()
        fold.add(told(i, score, "scored" if score is not None else "crashed") for i, score in enumerate(scores))
        found = [score for score in scores if score is not None]
        assert (fold.best.score if fold.best else None) == max(found, default=None)
        assert [step.score for step in fold.steps] == sorted({step.score for step in fold.steps})
        assert sum(fold.outcomes.values()) == fold.told == len(scores)

    def test_pages_fold_to_what_one_page_folds_to(self) -> None:
        attempts = [told(i, i / 100) for i in range(30)]
        whole, paged = RunFold(), RunFold()
        whole.add(attempts)
        for start in range(0, 30, 7):
            paged.add(attempts[start : start + 7])
        assert whole == paged

    def test_a_snapshot_stays_as_it_was(self) -> None:
        fold, untouched = RunFold(), RunFold()
        fold.add([told(0, 0.5), told(1, 0.6)])
        untouched.add([told(0, 0.5), told(1, 0.6)])
        before = fold.snapshot()
        fold.add(told(i, i / 10) for i in range(2, 2 * MAX_BINS))
        assert before == untouched
        assert before != fold

    def test_the_leader_is_kept_beyond_the_longest_curve(self) -> None:
        fold = RunFold()
        fold.add(told(i, i / 1e6) for i in range(MAX_STEPS + 10))
        assert len(fold.steps) == MAX_STEPS
        assert fold.best == Step(MAX_STEPS + 9, (MAX_STEPS + 9) / 1e6, f"{MAX_STEPS + 9:064x}")

    def test_bins_are_bounded_and_lose_nothing(self) -> None:
        fold = RunFold()
        fold.add(told(i, 0.5) for i in range(5 * MAX_BINS))
        assert len(fold.bins) <= MAX_BINS
        frame = run_view.mix_frame(fold)
        assert int(frame["attempts"].sum()) == 5 * MAX_BINS
        assert frame["from"].nunique() <= 40

    def test_stacked_operators_count_for_each(self) -> None:
        fold = RunFold()
        fold.add([told(0, 0.5), told(1, 0.25)])
        tallies = run_view.tally_frame(fold.operators, "operator").set_index("operator")
        assert tallies.loc["mutate", "attempts"] == 2
        assert tallies.loc["crossover", "best"] == 0.25

    def test_rate_is_of_the_last_attempts(self) -> None:
        fold = RunFold()
        fold.add([told(0)])
        assert fold.attempts_per_minute is None
        fold.add([told(i) for i in range(1, 31)])
        assert fold.attempts_per_minute == pytest.approx(60.0)
        assert fold.elapsed_s == 30.0

    def test_curve_begins_with_the_initial_program(self) -> None:
        fold = RunFold()
        fold.add([told(0, 0.1), told(1, 0.4), told(2, 0.3)])
        curve = run_view.curve_frame(fold, 0.2)
        assert list(zip(curve["attempts"], curve["score"], strict=True)) == [(0, 0.2), (2, 0.4), (3, 0.4)]

    def test_the_initial_program_leads_until_an_attempt_is_better(self) -> None:
        initial = FounderScore(name="initial", role="initial", candidate_id="a" * 64, score=0.0394)
        baseline = FounderScore(name="good", role="baseline", candidate_id="b" * 64, score=0.9)
        fold = RunFold()
        founders = [initial, baseline]
        assert run_view.best_figures(run_view.leader_of(fold, [baseline]), fold) == [("best search score", "none yet")]
        fold.add([told(0, None, "crashed")])
        first, second = run_view.best_figures(run_view.leader_of(fold, founders), fold)
        assert (first, second) == (("best search score: initial", "0.0394"), ("best attempt", "no score yet"))
        fold.add([told(1, 0.0372), told(2, 0.0394, "twin")])
        leader = run_view.leader_of(fold, founders)
        assert leader is not None
        assert leader.candidate_id == initial.candidate_id
        assert run_view.best_figures(leader, fold)[1] == ("best attempt", "0.0372")
        fold.add([told(3, 0.04)])
        leader = run_view.leader_of(fold, founders)
        assert leader is not None
        assert leader.candidate_id == f"{3:064x}"
        assert run_view.best_figures(leader, fold) == [("best search score", "0.0400")]

    def test_twins_cost_no_evaluation(self) -> None:
        fold = RunFold()
        fold.add([told(0, 0.5), told(1, 0.5, "twin"), told(2, outcome="rejected")])
        assert fold.evaluated == 1
        assert ("evaluations left", "9") in run_view.budget_left(Budget.of('{"evaluations": 10}'), fold, 0.0)

    def test_references_are_the_best_baselines(self) -> None:
        scores = {"initial": 0.1, "a": 0.2, "b": 0.4, "c": 0.3, "d": None}
        founders = [
            FounderScore(name=n, role="initial" if n == "initial" else "baseline", candidate_id="", score=s)
            for n, s in scores.items()
        ]
        frame = run_view.reference_frame(founders, 1.0, max_lines=2)
        assert list(frame["line"]) == ["b", "c", "initial", "proven bound"]

    def test_budget_counts_down_to_zero(self) -> None:
        fold = RunFold()
        fold.add(told(i, outcome="rejected" if i == 5 else "crashed") for i in range(31))
        budget = Budget.of(
            '{"attempts": 40, "seconds": 10, "usd": 1.5, "evaluations": 40, "migration_every": 10, "islands": 2}'
        )
        assert run_view.budget_left(budget, fold, 0.5) == [
            ("attempts left", "9"),
            ("evaluations left", "10"),
            ("seconds left", "0"),
            ("USD left", "1.0000"),
        ]
        assert run_view.migrations(fold, budget) == [10, 20, 30]
        assert run_view.migrations(fold, Budget.of("{}")) == []

    def test_a_lease_that_ran_out_is_a_killed_run(self, seeded: Archive) -> None:
        run: RunSummary = replace(run_summaries.run_summaries(seeded)[0], status="running", lease_expires_at=100.0)
        assert run_view.is_live(run, 99.0)
        assert not run_view.is_live(run, 101.0)
        assert "resume" in run_view.status_of(run, 101.0)

    def test_bandit_posterior_contains_its_mean(self, seeded: Archive) -> None:
        frame = run_view.bandit_frame(seeded.bandit_states(RUN_ID))
        assert len(frame) == 9
        assert ((frame["low"] < frame["mean"]) & (frame["mean"] < frame["high"])).all()
        assert run_view.bandit_frame([]).empty

    def test_costs_are_per_scored_program(self, seeded: Archive) -> None:
        (row,) = run_view.cost_frame(run_summaries.model_uses(seeded, RUN_ID), fold_of(seeded)).to_dict("records")
        assert row["scored"] == 24
        assert row["usd per scored"] == pytest.approx(30 * 0.0125 / 24)


class TestPairing:
    def test_holdout_is_more_telling_than_search(self) -> None:
        own = [stored(1, 0.5), stored(2, 0.5, Split.HOLDOUT, Tier.FULL)]
        other = [stored(3, 0.4), stored(4, 0.3, Split.HOLDOUT, Tier.FULL)]
        first, second = pairing.equal_pairs(own, other)
        assert (first.a.id, first.b.id) == (2, 4)
        assert pairing.difference(first).mean == pytest.approx(0.2)
        assert pairing.difference(second).mean == pytest.approx(0.1)

    def test_unequal_terms_are_not_compared(self) -> None:
        other = stored(2, 0.4)
        elsewhere = replace(other, evaluation=replace(other.evaluation, environment_class="arm64"))
        reseeded = replace(other, evaluation=replace(other.evaluation, seeds="0" * 16))
        reclocked = replace(other, planner_clock="modelled")
        assert pairing.equal_pairs([stored(1, 0.5)], [elsewhere, reseeded, reclocked]) == []

    def test_a_claim_needs_interval_and_test(self) -> None:
        (pair,) = pairing.equal_pairs([stored(1, 0.5)], [stored(2, 0.5)])
        assert "not shown to differ" in pairing.verdict("a", "b", pairing.difference(pair))
        (pair,) = pairing.equal_pairs([stored(1, 0.5)], [stored(2, 0.4)])
        assert pairing.verdict("a", "b", pairing.difference(pair)).startswith("a is better than b")

    def test_regimes_partition_the_instances(self) -> None:
        (pair,) = pairing.equal_pairs([stored(1, 0.5)], [stored(2, 0.4)])
        frame = pairing.regime_frame(pair)
        assert int(frame["instances"].sum()) == len(pairing.instance_frame(pair)) == 12
        assert list(frame["difference"]) == pytest.approx([0.1] * 3)


class TestCandidate:
    def test_diff_shows_the_change_and_is_bounded(self) -> None:
        text = candidate_view.diff_text("a\nb\n", "a\nc\n", "old", "new")
        assert "-b" in text
        assert "+c" in text
        assert candidate_view.diff_text("same", "same", "old", "new") == ""
        assert len(candidate_view.diff_text("x\n" * 50_000, HOSTILE_PROGRAM.source, "old", "new")) < 2_000_000

    def test_path_begins_with_the_founder(self, seeded: Archive) -> None:
        path = queries.lineage(seeded, RUN_ID, program(18).id)
        ids = [path[0].parent_id, *(step.candidate_id for step in path if step.candidate_id)]
        frame = candidate_view.best_path_frame(ids[0], path, run_views.search_scores(seeded, RUN_ID, ids))
        assert list(frame["id"]) == ids
        assert frame["best"].is_monotonic_increasing
        assert frame["score"].notna().all()

    def test_failures_are_inert(self, seeded: Archive) -> None:
        (text,) = candidate_view.failure_texts(seeded.evaluations(HOSTILE_PROGRAM.id))
        assert "<script>" in text
        assert text.isprintable()

    @pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.chart)
    def test_pictures_are_drawn_or_tabled(self, picture: object) -> None:
        (found,) = [p for p in PICTURES if p is picture]
        chart = candidate_charts.picture_chart(found, candidate_view.picture_frame(found))
        assert (chart is None) == (found.chart == "pie")

    def test_rows_of_a_picture_get_the_names_that_it_lists(self) -> None:
        rows = ((0.0, 1.0, 2.0), (1.0, 3.0, 4.0))
        picture = Picture(name="us by cause (calm, bursts)", chart="bar", columns=("regime", "a", "b"), rows=rows)
        assert candidate_view.picture_labels(picture) == ["calm", "bursts"]
        assert candidate_view.picture_title(picture) == "us by cause"
        frame = candidate_view.picture_frame(picture)
        chart = candidate_charts.picture_chart(picture, frame, "us by cause", ["calm", "bursts"])
        assert chart is not None
        document = chart.to_dict(validate=True)
        assert document["encoding"]["y"]["title"] == "us by cause"
        (values,) = document["datasets"].values()
        assert {row["c0"] for row in values} == {"calm", "bursts"}
        for name in ("us by cause", "us by cause (calm)", "us (calm, bursts, drift)"):
            assert candidate_view.picture_labels(replace(picture, name=name)) == []
            assert candidate_view.picture_title(replace(picture, name=name)) == name

    def test_instances_stand_in_the_order_of_the_tasks_regimes(self) -> None:
        frame = pd.DataFrame(
            {"instance": ["x", "y"], "regime": ["slow", "fast"], "outcome": ["scored", "crashed"], "score": [0.5, -1.0]}
        )
        document = candidate_charts.score_chart(frame).to_dict(validate=True)
        assert document["encoding"]["x"]["sort"] == ["slow", "fast"]
        assert "scored" in document["encoding"]["shape"]["condition"]["test"]
        paired = candidate_charts.paired_chart(frame.assign(a=0.5, b=0.5, difference=0.0), "score, a less b")
        dots = paired.to_dict(validate=True)["layer"][1]
        assert dots["encoding"]["x"]["sort"] == ["slow", "fast"]
        assert dots["encoding"]["y"]["title"] == "score, a less b"
        assert dots["mark"]["opacity"] == 1

    def test_hostile_picture_columns_stay_apart(self) -> None:
        picture = replace(PICTURES[0], columns=("a.b[0]", "a.b[0]", ""))
        frame = candidate_view.picture_frame(picture)
        assert frame.columns.is_unique
        assert candidate_charts.picture_chart(picture, frame) is not None


class TestMap:
    def test_tree_joins_programs_to_their_parents(self, seeded: Archive) -> None:
        steps = views.ancestry(seeded, RUN_ID, [program(28).id, program(18).id])
        ids = [id_ for step in steps for id_ in (step.candidate_id, step.parent_id) if id_]
        frame = map_view.tree_frame(steps, run_views.search_scores(seeded, RUN_ID, ids))
        assert len(frame) == len(steps)
        assert (frame["parent attempt"] < frame["attempt"]).all()
        assert set(frame["attempt"]) == {step.index for step in steps}
        assert map_view.FOUNDERS in set(frame["parent attempt"])

    @pytest.mark.parametrize("direction", Direction)
    def test_the_front_joins_no_better_point_than_there_is(self, direction: Direction) -> None:
        """Where a large x is good, a step falls before it goes on: beyond the left point its y is not reached."""
        frame = pd.DataFrame({"x": [0.0, 1.0], "y": [2.0, 1.0], "score": 0.5, "front": True, "id": ["a", "b"]})
        (line, _) = map_charts.front_chart(frame, ("x", "y"), direction).to_dict()["layer"]
        expected = {Direction.MINIMIZE: "step-after", Direction.MAXIMIZE: "step-before"}
        assert line["mark"]["interpolate"] == expected[direction]

    def test_the_scatter_spans_the_run_and_begins_with_the_initial_program(self, seeded: Archive) -> None:
        frame = map_view.mark_frame(marks.score_marks(seeded, RUN_ID, ColourBy.ISLAND))
        document = map_charts.scatter_chart(frame, 40, 0.3).to_dict(validate=True)
        start, dots = document["layer"]
        assert dots["encoding"]["x"]["scale"]["domain"] == [0, 40]
        assert document["datasets"][start["data"]["name"]] == [{"told": 0.0, "score": 0.3, "program": "initial"}]

    def test_cells_hold_their_score_in_figures(self) -> None:
        points = [
            Point(candidate_id=str(i), objective=0.1 * i, metrics={"x": float(i), "y": float(i)}) for i in range(3)
        ]
        document = map_charts.grid_chart(map_view.grid_frame(points, "x", "y"), ("x, us", "y")).to_dict(validate=True)
        assert [layer["mark"]["type"] for layer in document["layer"]] == ["rect", "text"]
        assert document["layer"][0]["encoding"]["x"]["title"] == "x, us"

    def test_front_is_beaten_by_no_other(self) -> None:
        values = [(0.0, 5.0), (1.0, 4.0), (1.0, 6.0), (2.0, 9.0), (math.pi, 9.0)]
        points = [Point(candidate_id=str(i), objective=x, metrics={"x": x, "y": y}) for i, (x, y) in enumerate(values)]
        frame = map_view.point_frame(points, "x", "y", Direction.MAXIMIZE, Direction.MINIMIZE)
        assert set(frame[frame["front"]]["id"]) == {"1", "4"}

    def test_cells_keep_the_best(self) -> None:
        points = [
            Point(candidate_id=str(i), objective=i / 10, metrics={"x": float(i % 2), "y": float(i % 2)})
            for i in range(10)
        ]
        frame = map_view.grid_frame(points, "x", "y")
        assert set(frame["id"]) == {"8", "9"}
        assert map_view.grid_frame(points[:1], "x", "y").empty

    def test_the_grid_shown_first_is_the_tasks_own(self) -> None:
        names = ["balance", "cost", "moves"]
        assert map_view.first_axes(names, ("moves", "cost")) == (2, 1)
        assert map_view.first_axes(names, ("moves", "not measured")) == (0, 1)


class TestCompareAndTrust:
    def test_mean_curves_are_of_equal_length_runs(self) -> None:
        curves = pd.DataFrame(
            [("r1", "s", 0, 0.1), ("r1", "s", 10, 0.5), ("r2", "s", 0, 0.3), ("r2", "s", 4, 0.4), ("r2", "s", 8, 0.4)],
            columns=["run", "strategy", "attempts", "score"],
        )
        means = compare_view.mean_curves_frame(curves, num_points=8).set_index("attempts")
        assert means.index.max() == 8
        assert means.loc[0, "mean"] == pytest.approx(0.2)
        assert means.loc[8, "mean"] == pytest.approx(0.25)
        assert means.loc[8, "low"] == pytest.approx(0.1)

    def test_incomplete_sandboxes_are_named(self) -> None:
        whole = replace(samples.ENVIRONMENT, sandbox="rlimit+seccomp+landlock7")
        unsafe = replace(samples.ENVIRONMENT, sandbox="rlimit+seccomp+unsafe")
        frame = trust.environment_frame([whole, unsafe, unsafe])
        assert list(frame["keeps"]) == ["all promises", "all but P5, P6"]

    def test_scores_above_a_bound_are_told_from_other_breakdowns(self, seeded: Archive) -> None:
        broken = views.failures(seeded, Outcome.INFRASTRUCTURE)
        assert len(trust.above_bound(broken)) == 1
        other = [replace(failure, reason="the worker died") for failure in broken]
        assert trust.above_bound(other) == []


def _chart_of(archive: Archive, name: str) -> alt.TopLevelMixin:
    fold = fold_of(archive)
    (league,) = views.all_leagues(archive)
    points = views.metric_points(archive, league, Split.SEARCH, Tier.QUICK)
    runs = [run for run in run_summaries.run_summaries(archive) if run.run_id == RUN_ID]
    curves = compare_view.curves_frame(runs, {RUN_ID: fold}, {RUN_ID: 0.3})
    makers: dict[str, Callable[[], alt.TopLevelMixin]] = {
        "curve": lambda: run_charts.curve_chart(
            run_view.curve_frame(fold, 0.3), run_view.reference_frame([], 1.0), [10]
        ),
        "mix": lambda: run_charts.mix_chart(run_view.mix_frame(fold)),
        "bandit": lambda: run_charts.bandit_chart(run_view.bandit_frame(archive.bandit_states(RUN_ID))),
        "scatter": lambda: map_charts.scatter_chart(
            map_view.mark_frame(marks.score_marks(archive, RUN_ID, ColourBy.OPERATOR)), 30, 0.3
        ),
        "front": lambda: map_charts.front_chart(
            map_view.point_frame(points, "balance", "moves", Direction.MAXIMIZE, Direction.MINIMIZE),
            ("balance", "moves"),
            Direction.MAXIMIZE,
        ),
        "grid": lambda: map_charts.grid_chart(map_view.grid_frame(points, "balance", "moves"), ("balance", "moves")),
        "runs": lambda: compare_charts.run_curves_chart(curves),
        "means": lambda: compare_charts.mean_curves_chart(compare_view.mean_curves_frame(curves)),
    }
    return makers[name]()


@pytest.mark.parametrize("name", ["curve", "mix", "bandit", "scatter", "front", "grid", "runs", "means"])
def test_a_figure_is_valid_and_holds_data(name: str, seeded: Archive) -> None:
    document = _chart_of(seeded, name).to_dict(validate=True)
    assert sum(len(rows) for rows in document["datasets"].values()) > 1


@pytest.mark.parametrize("name", ["curve", "mix", "bandit", "scatter", "runs", "means"])
def test_attempts_are_counted_in_whole_numbers(name: str, seeded: Archive) -> None:
    document = _chart_of(seeded, name).to_dict()
    layers = document.get("layer", [document])
    axes = [layer["encoding"]["x"]["axis"] for layer in layers if "axis" in layer["encoding"].get("x", {})]
    assert axes
    assert all((axis["tickMinStep"], axis["format"]) == (1, "d") for axis in axes)


def test_the_curve_tells_its_lines_apart_without_colour() -> None:
    curve = pd.DataFrame({"attempts": [0, 3], "score": [0.1, 0.2], "program": ["", "a"]})
    references = pd.DataFrame({"line": ["hedged", "lag", "initial", "proven bound"], "score": [0.5, 0.5, 0.1, 1.0]})
    line = run_charts.curve_chart(curve, references).to_dict(validate=True)["layer"][0]["encoding"]
    dashes, colours = line["strokeDash"]["scale"], line["color"]["scale"]
    assert dashes["domain"] == colours["domain"] == ["this run", *references["line"]]
    assert len({tuple(dash) for dash in dashes["range"]}) == 5


def test_an_outcome_without_a_colour_is_drawn_too() -> None:
    fold = RunFold()
    fold.add([told(0, 0.5), told(1, outcome="abandoned")])
    scale = run_charts.mix_chart(run_view.mix_frame(fold)).to_dict()["encoding"]["color"]["scale"]
    assert scale["domain"] == ["scored", "abandoned"]
    assert len(set(scale["range"])) == 2


def test_facts_survive_their_way_to_the_server() -> None:
    facts = facts_of(PROBLEM.task)
    assert facts_from_json(facts_to_json([facts])) == {"toy": facts}
    assert facts_from_json("") == {}
    assert isinstance(facts, TaskFacts)
    environment = server_environment({"HOME": "/nowhere"}, "sqlite:///x.db", [facts])
    settings = Settings.of(environment)
    assert (settings.archive, settings.tasks["toy"]) == ("sqlite:///x.db", facts)


def test_server_tells_nobody_and_keeps_the_password_out_of_its_words() -> None:
    words = server_command(8501, "localhost", headless=True)
    assert words[words.index("--browser.gatherUsageStats") + 1] == "false"
    assert not any("postgresql" in word for word in words)


def test_views_and_charts_need_no_streamlit() -> None:
    pages = ("leaderboard", "run", "candidate", "map", "compare")
    modules = [f"dashboard.{kind}.{page}" for kind in ("views", "charts") for page in pages]
    code = f"import sys; sys.modules['streamlit'] = None; import dashboard.views.trust, {', '.join(modules)}"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
