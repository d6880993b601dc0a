from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.elites import Axis, EliteGrid, ParetoFront
from evaluators import registry
from evaluators.contract import ContractError, Descriptor, Outcome
from evaluators.toy import PROBLEM
from evolve.choices import Sampler
from evolve.errors import RunError
from evolve.run.session import require_elites
from evolve.run.standing import member_of
from evolve.run.traits import cell_of, objectives_of
from evolve.search.islands import Elite, Island
from evolve.search.pools import cell_holders, pareto_front
from evolve.search.request import Member
from evolve.search.sampling import SAMPLERS, SPARED
from tests.evolve.evaluations import an_evaluation
from tests.evolve.programs import a_member

GRIDDED = (
    "broadcast",
    "cluster_balance",
    "expert_replication",
    "expert_topology",
    "job_shop",
    "llm_serving",
    "model_packing",
    "pipeline_layout",
    "pipeline_schedule",
    "sequence_split",
    "spot_deadline",
    "table_reorder",
    "task_graph",
    "tier_cache",
    "transaction_order",
)
VALUES = st.sampled_from([0.0, 0.25, 0.5, 1.0])
TRAITS = st.lists(st.tuples(VALUES, VALUES, VALUES), min_size=1, max_size=25)
TASK = replace(
    registry.problem("expert_replication").task,
    descriptors=(Descriptor(metric="moved_fraction", low=0.0, high=1.0, bins=4),),
    trade_offs=("score", "migration_us"),
)


def a_population(traits: list[tuple[float, float, float]]) -> list[Elite]:
    """Score, place on the one axis of the grid, and a second objective, best first."""
    members = [
        replace(a_member(number, score), cell=(int(4 * place),), objectives=(score, other))
        for number, (score, place, other) in enumerate(traits)
    ]
    return [Elite(member) for member in sorted(members, key=lambda member: -member.score)]


@given(traits=TRAITS)
def test_the_holders_of_cells_are_those_of_an_elite_grid(traits: list[tuple[float, float, float]]) -> None:
    population = a_population(traits)
    grid = EliteGrid([Axis(name="place", low=0.0, high=1.25, num_bins=5)])
    for elite in population:
        grid.add(elite.member.candidate_id, elite.member.score, (elite.member.cell[0] / 4,))
    assert {elite.member.candidate_id for elite in cell_holders(population)} == {one.candidate_id for _, one in grid}


@given(traits=TRAITS)
def test_the_front_is_that_of_a_pareto_front(traits: list[tuple[float, float, float]]) -> None:
    population = a_population(traits)
    front = ParetoFront(2)
    for elite in population:
        front.add(elite.member.candidate_id, elite.member.objectives)
    assert {elite.member.candidate_id for elite in pareto_front(population)} == {one.candidate_id for one in front}


@pytest.mark.parametrize("name", list(SPARED))
@given(traits=TRAITS)
def test_what_is_drawn_is_what_an_island_spares_and_each_of_it_may_be(
    name: str, traits: list[tuple[float, float, float]]
) -> None:
    population = a_population(traits)
    pool = SPARED[name](population)
    drawn = {SAMPLERS[name].sample(population, np.random.default_rng(seed)).member for seed in range(200)}
    assert drawn <= {elite.member for elite in pool}
    assert population[0].member.score == pool[0].member.score
    if len(pool) < 6:
        assert drawn == {elite.member for elite in pool}


@given(traits=TRAITS, capacity=st.integers(4, 8))
def test_an_island_that_spares_cells_forgets_no_cell_while_there_is_room(
    traits: list[tuple[float, float, float]], capacity: int
) -> None:
    members = [elite.member for elite in a_population(traits)]
    members.sort(key=lambda member: member.attempt_index or 0)
    island = Island(capacity, len(members), spared=cell_holders)
    island.restart(members)
    cells = {member.cell for member in members}  # 5 at most
    kept = [elite.member for elite in island.elites]
    assert len(kept) == min(capacity, len(members))
    if len(cells) < capacity:
        assert {member.cell for member in kept} == cells
    best = {cell: max(member.score for member in members if member.cell == cell) for cell in cells}
    assert all(best[member.cell] >= member.score for member in kept)
    assert island.best.score == max(best.values())


def test_without_a_reason_to_spare_anyone_an_island_keeps_the_best() -> None:
    island = Island(2, 2)
    island.restart([replace(a_member(number, score), cell=(number,)) for number, score in enumerate((0.1, 0.3, 0.2))])
    assert [elite.member.score for elite in island.elites] == [0.3, 0.2]


def test_members_without_objectives_are_on_no_front_while_others_have_them() -> None:
    with_them = Elite(replace(a_member(0, 0.2), objectives=(0.2, 0.0)))
    without = Elite(a_member(1, 0.9))
    assert pareto_front([without, with_them]) == [with_them]
    assert pareto_front([without, Elite(a_member(2, 0.1))]) == [without]


def test_a_member_carries_its_cell_and_what_it_trades_off_higher_being_better() -> None:
    evaluation = replace(an_evaluation([0.5, 0.7]), metrics={"moved_fraction": 0.6, "migration_us": 30.0})
    member = member_of("a program", evaluation, TASK)
    assert isinstance(member, Member)
    assert (member.cell, member.objectives) == ((2,), (member.score, -30.0))


def test_a_program_that_fails_on_an_instance_is_in_no_cell_and_on_no_front() -> None:
    whole = an_evaluation([0.5] * 12)
    failed = replace(whole.instances[0], outcome=Outcome.CRASHED, score=None)
    metrics = {"moved_fraction": 0.6, "migration_us": 10.0}
    member = member_of("a program", replace(whole, instances=(failed, *whole.instances[1:]), metrics=metrics), TASK)
    assert isinstance(member, Member)
    assert (member.cell, member.objectives) == ((), ())


def test_what_was_not_measured_gives_no_cell_and_no_objectives() -> None:
    assert cell_of(TASK, {"migration_us": 1.0}) == ()
    assert objectives_of(TASK, {"score": 1.0}) == ()


@pytest.mark.parametrize("name", GRIDDED)
def test_tasks_declare_metrics_that_they_report_and_a_grid_that_an_island_can_hold(name: str) -> None:
    task = registry.problem(name).task
    reported = {spec.name for spec in task.metrics}
    assert {descriptor.metric for descriptor in task.descriptors} | set(task.trade_offs) <= reported
    assert task.objective in task.trade_offs  # so that the leader is always on the front
    num_cells = np.prod([descriptor.bins for descriptor in task.descriptors])
    assert 4 <= num_cells <= 40
    for sampler in Sampler:
        require_elites(sampler, task)


@pytest.mark.parametrize("sampler", [Sampler.MAP_ELITES, Sampler.PARETO])
def test_a_task_without_a_grid_or_a_front_is_refused_by_name(sampler: Sampler) -> None:
    with pytest.raises(RunError, match=f"{sampler} needs .* toy declares"):
        require_elites(sampler, PROBLEM.task)


@pytest.mark.parametrize("sampler", [Sampler.MAP_ELITES, Sampler.PARETO])
def test_a_task_that_names_a_metric_it_does_not_report_is_refused(sampler: Sampler) -> None:
    unknown = Descriptor(metric="mood", low=0.0, high=1.0, bins=4)
    task = replace(PROBLEM.task, descriptors=(unknown,), trade_offs=("score", "mood"))
    with pytest.raises(ContractError, match="no metric 'mood'"):
        require_elites(sampler, task)
