from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evolve.search.islands import Island, migrate, most_different, restart_weaker_half
from tests.evolve.programs import a_member

FOUNDER = a_member(1000, 0.0, founder=True)


def an_island(*scores: float, first: int = 0, capacity: int = 40, max_twins: int = 2) -> Island:
    island = Island(capacity, max_twins)
    island.restart([FOUNDER, *(a_member(first + number, score) for number, score in enumerate(scores))])
    return island


@given(scores=st.lists(st.sampled_from([-0.5, 0.0, 0.25, 0.5]), max_size=60), capacity=st.integers(1, 8))
def test_an_island_is_sorted_bounded_and_keeps_founders_and_the_best(scores: list[float], capacity: int) -> None:
    island = an_island(*scores, capacity=capacity)
    kept = [elite.member.score for elite in island.elites]
    assert kept == sorted(kept, reverse=True)
    assert len(kept) <= capacity + 1
    assert island.best.score == max([0.0, *scores])
    assert FOUNDER in [elite.member for elite in island.elites]


def test_of_equal_scores_the_newest_comes_first() -> None:
    island = an_island(0.5, 0.5)
    assert island.best == a_member(1, 0.5)


def test_a_known_candidate_is_not_added_again() -> None:
    island = an_island(0.5)
    island.add(a_member(0, 0.5))
    assert len(island.elites) == 2


def test_twins_share_their_places_and_the_newcomer_inherits_the_count() -> None:
    island = Island(40, 2)
    twins = [a_member(number, 0.5, wins=(0.4, 0.6)) for number in range(3)]
    island.restart(twins[:2])
    island.count_child(twins[0].candidate_id)
    island.add(twins[2])
    assert [(elite.member, elite.num_children) for elite in island.elites] == [(twins[2], 1), (twins[1], 0)]


def test_founders_are_not_displaced_by_their_twins() -> None:
    island = Island(40, 1)
    founder = a_member(0, 0.5, wins=(0.5,), founder=True)
    island.restart([founder, a_member(1, 0.5, wins=(0.5,)), a_member(2, 0.5, wins=(0.5,))])
    assert [elite.member.candidate_id for elite in island.elites] == [
        a_member(2).candidate_id,
        founder.candidate_id,
    ]


def test_children_of_forgotten_parents_are_not_counted() -> None:
    island = an_island(0.5)
    island.count_child("gone")
    assert [elite.num_children for elite in island.elites] == [0, 0]


def test_migration_copies_each_best_to_the_next_island_once() -> None:
    islands = [an_island(0.1), an_island(0.2, first=10), an_island(0.3, first=20)]
    migrate(islands)
    held = [{elite.member.score for elite in island.elites} for island in islands]
    assert held == [{0.0, 0.1, 0.3}, {0.0, 0.2, 0.1}, {0.0, 0.3, 0.2}]


def test_the_weaker_half_restarts_from_founders_and_a_survivors_best() -> None:
    islands = [an_island(0.1), an_island(0.9, 0.8, first=10), an_island(0.5, first=20)]
    restart_weaker_half(islands, [FOUNDER])
    assert [[elite.member.score for elite in island.elites] for island in islands] == [
        [0.9, 0.0],
        [0.9, 0.8, 0.0],
        [0.5, 0.0],
    ]


def test_the_most_different_is_sought_by_instance_among_the_better_half() -> None:
    near = a_member(1, 0.5, wins=(0.6, 0.4))
    far = a_member(2, 0.4, wins=(0.1, 0.7))
    hopeless = a_member(3, -1.0, wins=(-1.0, -1.0))
    best = a_member(0, 0.6, wins=(0.7, 0.5))
    islands = [Island(40, 2), Island(40, 2)]
    islands[0].restart([best, near, hopeless])
    islands[1].restart([best, far, a_member(4, -0.9, wins=(-0.9, -0.9))])
    assert most_different(best, islands) == far
    islands[1].restart([best])
    assert most_different(best, islands) == near
    assert most_different(best, islands[1:]) == best
