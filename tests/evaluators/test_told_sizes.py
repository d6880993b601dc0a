"""Sizes, counts and weights that a description names are those that are played: programs are written from them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from evaluators.balancing.moe_loss import suite as moe_loss
from evaluators.balancing.moe_loss.time_model import TimeModel
from evaluators.contract import Split, Tier
from evaluators.kernels.moe_kernel.stages import MOST_ERROR
from evaluators.kernels.moe_kernel.suite import HOLDOUT_REGIMES as HELD_LAYERS
from evaluators.kernels.moe_kernel.suite import SEARCH_REGIMES as SEARCH_LAYERS
from evaluators.kernels.moe_kernel.terms import entry_points
from evaluators.kernels.shapes import Stage
from evaluators.placement.pipeline_layout.scenario import Scenario as LayoutScenario
from evaluators.placement.tier_cache import suite as tier_cache
from evaluators.problem import Instance
from evaluators.registry import problem
from evaluators.scheduling.broadcast import suite as broadcast
from evaluators.scheduling.cluster_balance.scenario import Scenario as ClusterScenario
from evaluators.scheduling.llm_serving import suite as llm_serving
from evaluators.scheduling.pipeline_schedule.scenario import Scenario as PassScenario
from evaluators.scheduling.table_reorder import suite as table_reorder
from evaluators.scheduling.task_graph import suite as task_graph
from evaluators.scheduling.task_graph.platforms import edges_of
from evaluators.scheduling.task_graph.shapes import outline_of
from evaluators.seeding import SeedSource

PLAYED = (Tier.QUICK, Tier.FULL)
SPLITS = (Split.SEARCH, Split.VALIDATION, Split.HOLDOUT)


def told(task: str) -> str:
    """The description, on one line."""
    return " ".join(problem(task).task.entry_points[0].description.split())


def span(values: Iterable[float]) -> str:
    found = set(values)
    return f"{min(found):g} to {max(found):g}"


def test_broadcast_says_how_large_transfers_are() -> None:
    played = [r for tier in PLAYED for split in SPLITS for r in broadcast.recipes(tier, split, {})]
    assert f"{span(r.regions for r in played)} regions" in told("broadcast")
    assert f"{span(r.destinations for r in played)} destinations" in told("broadcast")
    assert f"{span(r.partitions for r in played)} partitions" in told("broadcast")
    assert f"{span(r.volume_gb for r in played)} GB" in told("broadcast")
    assert f"time_usd_per_h is {span(r.time_usd_per_h for r in played)}" in told("broadcast")
    edges = broadcast.recipes(Tier.SMOKE, Split.SEARCH, {})
    least = (min(r.regions for r in edges), min(r.destinations for r in edges), min(r.partitions for r in edges))
    assert "down to {} regions, {} destination and {} partition".format(*least) in told("broadcast")


def test_tier_cache_says_how_many_calls_there_are_and_how_large_a_model_is() -> None:
    played = [r for tier in PLAYED for split in SPLITS for r in tier_cache.recipes(tier, split, {})]
    systems = [r.system for r in played]
    assert f"{tier_cache.NUM_EVENTS[Tier.QUICK]} events" in told("tier_cache")
    assert f"{tier_cache.NUM_EVENTS[Tier.FULL]} in full" in told("tier_cache")
    assert f"{span(s.layers for s in systems)} layers" in told("tier_cache")
    assert f"{span(s.experts for s in systems)} experts" in told("tier_cache")
    assert f"top {span(s.top_k for s in systems)}" in told("tier_cache")
    assert f"{span(s.tokens for s in systems)} tokens side by side" in told("tier_cache")
    for recipe in played:
        assert recipe.steps * recipe.system.layers <= tier_cache.NUM_EVENTS[Tier.FULL]
        assert 0.09 <= recipe.system.capacity / recipe.system.objects <= 0.61


def test_llm_serving_says_how_many_requests_and_replicas_there_are() -> None:
    for tier in PLAYED:
        played = [r for split in SPLITS for r in llm_serving.recipes(tier, split, {}, None)]
        assert f"{span(len(r.fleet.costs) for r in played)} replicas" in told("llm_serving")
        assert f"{max(r.requests for r in played)}" in told("llm_serving")


def test_table_reorder_says_which_caches_there_are() -> None:
    engines = [r.engine for tier in PLAYED for split in SPLITS for r in table_reorder.recipes(tier, split, {})]
    assert f"block is {span(e.block for e in engines)}" in told("table_reorder")
    assert f"in_flight {span(e.in_flight for e in engines)}" in told("table_reorder")
    assert f"{span(e.prompts for e in engines if e.prompts)} prompts" in told("table_reorder")


def test_moe_loss_says_what_time_costs_and_how_long_a_training_is() -> None:
    words, times = told("moe_loss"), TimeModel()
    assert f"nats_per_time is {times.nats_per_time:g}" in words
    assert f"step's time, {times.expert_share:g}:" in words
    shapes = [
        s.recipe.shape for split in SPLITS for s in moe_loss.scenarios(Tier.QUICK, split, {}, SeedSource("s", split))
    ]
    assert f"{shapes[0].num_layers} layers, {span(s.num_experts for s in shapes)} experts" in words
    assert f"top {span(s.top_k for s in shapes)}" in words
    course = moe_loss.COURSES[Tier.QUICK]
    tokens = course.sequences_per_micro_batch * shapes[0].context
    assert f"{course.micro_batches} micro-batches of T = {tokens}" in words
    assert f"{course.steps} steps in the tier quick and {moe_loss.COURSES[Tier.FULL].steps} in full" in words
    assert moe_loss.STRENGTHS[Tier.FULL] == (1 / 3, 1.0, 3.0)
    assert "at 1/3, 1 and 3 times your gradient" in words


@pytest.mark.parametrize("stage", [Stage.COMBINE, Stage.GATE_UP, Stage.DOWN])
def test_moe_kernel_says_how_exact_and_how_large_a_stage_is(stage: Stage) -> None:
    words = entry_points(stage)[0].description
    for dtype, error in MOST_ERROR.items():
        assert f"{error:g} in {dtype}" in words
    regimes = (*SEARCH_LAYERS, *HELD_LAYERS)
    assert all(regime.target.tokens >= 4000 and regime.target.width >= 1000 for regime in regimes)
    assert all(regime.tiny.tokens < 128 and regime.tiny.width < 128 for regime in regimes)
    assert {regime.tiny.dtype for regime in regimes} == {"float32", "float16"}


def scenarios(task: str, tier: Tier = Tier.QUICK) -> list[Instance]:
    drawn = [problem(task).instances(tier, split, SeedSource("s", split)) for split in (Split.SEARCH, Split.HOLDOUT)]
    return [scenario for part in drawn for scenario in part]


def test_task_graph_says_how_large_graphs_are() -> None:
    played = [r for tier in PLAYED for split in SPLITS for r in task_graph.recipes(tier, split, {})]
    outlines = [outline_of(recipe.regime, recipe.size, np.random.default_rng(0)) for recipe in played]
    assert "some 35 to 290 tasks and up to 700 edges" in told("task_graph")
    assert all(35 <= len(outline.work) <= 290 and len(edges_of(outline)[0]) <= 700 for outline in outlines)
    assert f"on {span(recipe.machine.processors for recipe in played)} processors" in told("task_graph")


def test_pipeline_schedule_says_how_many_passes_there_are() -> None:
    pipelines = [one.pipeline for one in scenarios("pipeline_schedule") if isinstance(one, PassScenario)]
    smoke = [one.pipeline for one in scenarios("pipeline_schedule", Tier.SMOKE) if isinstance(one, PassScenario)]
    assert "some 45 to 4700 passes" in told("pipeline_schedule")
    assert all(45 <= pipeline.passes <= 4700 for pipeline in pipelines)
    assert f"from {min(pipeline.passes for pipeline in smoke)})" in told("pipeline_schedule")
    assert f"on {span(pipeline.devices for pipeline in pipelines)} devices" in told("pipeline_schedule")
    assert f"{span(p.stages // p.devices for p in pipelines)} stages on each" in told("pipeline_schedule")


def test_pipeline_layout_says_how_many_devices_and_layers_there_are() -> None:
    drawn = [one for one in scenarios("pipeline_layout") if isinstance(one, LayoutScenario)]
    assert all(12 <= one.network.num_devices <= 40 for one in drawn)
    assert "D is 12 to 40" in told("pipeline_layout")
    assert f"L {span(one.job.layers for one in drawn)}" in told("pipeline_layout")
    assert f"M {span(one.job.micro_batches for one in drawn)}" in told("pipeline_layout")


def test_cluster_balance_says_how_many_jobs_and_machines_there_are() -> None:
    drawn = [one.workload for one in scenarios("cluster_balance") if isinstance(one, ClusterScenario)]
    smoke = [one.workload for one in scenarios("cluster_balance", Tier.SMOKE) if isinstance(one, ClusterScenario)]
    assert f"{span(workload.fleet.speed_M.size for workload in drawn)} machines" in told("cluster_balance")
    assert "some 50 to 2500 of them (in the tier smoke 12 to 90)" in told("cluster_balance")
    assert all(50 <= workload.jobs.size_N.size <= 2500 for workload in drawn)
    assert all(12 <= workload.jobs.size_N.size <= 90 for workload in smoke)
