from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evolve.search.request import Arm, MutationRequest, Operator, SearchError, Told
from evolve.search.sampling import SAMPLERS
from evolve.search.search import Search, SearchConfig
from tests.evolve.programs import a_member

FOUNDERS = (a_member(1000, 0.1, founder=True), a_member(1001, 0.0, founder=True))
ARMS = tuple(
    Arm(model, operator) for model in ("big", "small") for operator in Operator if operator is not Operator.MUTATE
)
CONFIG = SearchConfig(elites_per_island=6, migration_every=5, restart_every=12, crossover_probability=0.4)
WITH_MODELS = replace(CONFIG, arms=ARMS)
GROWING = replace(CONFIG, new_island_after=4, most_islands=3)
SCORES = [None, 0.05, 0.1, 0.3, 0.7]


def rng_for(index: int) -> np.random.Generator:
    return np.random.default_rng([7, index])


def answer(request: MutationRequest, score: float | None) -> Told:
    parent_id = request.parent.candidate_id
    member = None if score is None else a_member(request.index, score, parent=parent_id)
    return Told(
        index=request.index,
        island=request.island,
        parent_id=parent_id,
        member=member,
        arm=request.arm,
        parent_score=request.parent.score,
        cost_usd=0.01 * (request.model == "big"),
        repairable=member is None,
    )


def ask(search: Search) -> MutationRequest:
    return search.ask(rng_for(search.next_index))


def a_search(config: SearchConfig = CONFIG) -> Search:
    return Search(config, FOUNDERS)


@st.composite
def histories(draw: st.DrawFn) -> list[float | int]:
    """Moves: a negative number asks; others tell one of the outstanding asks with some score."""
    return draw(st.lists(st.integers(-1, 24), max_size=60))


def play(search: Search, moves: list[float | int], tolds: list[Told]) -> list[MutationRequest]:
    """Ask and tell as `moves` say; the requests made. Only what was asked here is told."""
    requests: list[MutationRequest] = []
    waiting: dict[int, MutationRequest] = {}
    for move in moves:
        if move < 0 or not waiting:
            requests.append(ask(search))
            waiting[requests[-1].index] = requests[-1]
        else:
            request = waiting.pop(sorted(waiting)[int(move) % len(waiting)])
            tolds.append(answer(request, SCORES[int(move) % len(SCORES)]))
            search.tell(tolds[-1])
    return requests


@pytest.mark.parametrize("config", [CONFIG, WITH_MODELS, GROWING], ids=["genetic", "models", "growing"])
@settings(deadline=None)
@given(before=histories(), after=histories())
def test_a_replay_goes_on_exactly_like_the_run_it_replays(
    config: SearchConfig, before: list[float | int], after: list[float | int]
) -> None:
    live, tolds = a_search(config), list[Told]()
    play(live, before, tolds)
    replayed = Search.replay(config, FOUNDERS, tolds, dict(live.outstanding))
    assert dict(replayed.outstanding) == dict(live.outstanding)
    assert (replayed.best, replayed.num_tells, replayed.next_index, replayed.tells_since_improvement) == (
        live.best,
        live.num_tells,
        live.next_index,
        live.tells_since_improvement,
    )
    assert play(replayed, after, []) == play(live, after, [])


@settings(deadline=None)
@given(moves=histories())
def test_an_ask_changes_nothing_that_another_ask_sees(moves: list[float | int]) -> None:
    search = a_search()
    play(search, moves, [])
    first = ask(search)
    again = search.ask(rng_for(first.index))
    assert replace(again, index=first.index) == first


@pytest.mark.parametrize("config", [CONFIG, WITH_MODELS, GROWING], ids=["genetic", "models", "growing"])
@settings(deadline=None)
@given(moves=histories())
def test_requests_name_kept_members_and_islands_stay_bounded(config: SearchConfig, moves: list[float | int]) -> None:
    search = a_search(config)
    play(search, moves, [])
    request = ask(search)
    kept = [elite.member for elite in search.islands[request.island].elites]
    assert request.parent in kept
    assert set(request.inspirations) <= set(kept) - {request.parent}
    assert len(request.inspirations) <= CONFIG.num_inspirations
    assert (request.operator is Operator.CROSSOVER) <= bool(request.inspirations)
    assert all(len(island.elites) <= CONFIG.elites_per_island + len(FOUNDERS) for island in search.islands)


def test_indices_are_consecutive_and_several_asks_may_wait() -> None:
    search = a_search()
    assert [ask(search).index for _ in range(4)] == [0, 1, 2, 3]
    assert list(search.outstanding) == [0, 1, 2, 3]


def test_a_tell_of_an_unknown_or_repeated_index_is_refused() -> None:
    search = a_search()
    told = answer(ask(search), 0.2)
    with pytest.raises(SearchError, match="attempt 5 was not asked"):
        search.tell(replace(told, index=5))
    search.tell(told)
    with pytest.raises(SearchError, match="attempt 0 was not asked or was told before; outstanding are: none"):
        search.tell(told)


def test_a_refused_tell_leaves_the_search_as_it_was() -> None:
    search = a_search()
    told = answer(ask(search), 0.2)
    with pytest.raises(SearchError, match="island 9"):
        search.tell(replace(told, island=9))
    with pytest.raises(SearchError, match="only finite scores"):
        search.tell(replace(told, member=a_member(0, math.nan)))
    assert (search.num_tells, list(search.outstanding)) == (0, [0])


def test_failures_count_as_tells_and_never_enter_the_population() -> None:
    search = a_search()
    request = ask(search)
    search.tell(answer(request, None))
    elites = [elite for island in search.islands for elite in island.elites]
    assert {elite.member for elite in elites} == set(FOUNDERS)
    assert sum(elite.num_children for elite in elites) == 1
    assert (search.num_tells, search.tells_since_improvement, search.best) == (1, 1, FOUNDERS[0])


def test_the_best_is_the_first_to_reach_its_score() -> None:
    search = a_search()
    for score in (0.3, 0.3, 0.2):
        search.tell(answer(ask(search), score))
    assert (search.best, search.tells_since_improvement) == (a_member(0, 0.3, parent=search.best.parent_id), 2)


def test_the_best_migrates_when_the_count_of_tells_says_so() -> None:
    search = a_search(SearchConfig(num_islands=2, migration_every=3))
    first = ask(search)
    search.tell(answer(first, 0.9))
    other = search.islands[1 - first.island]
    search.tell(answer(ask(search), None))
    assert other.best == FOUNDERS[0]
    search.tell(answer(ask(search), None))
    assert other.best.score == 0.9


def test_the_weaker_island_restarts_when_the_count_of_tells_says_so() -> None:
    search = a_search(SearchConfig(num_islands=2, migration_every=0, restart_every=2))
    search.tell(answer(ask(search), None))
    request = ask(search)
    search.tell(answer(request, 0.9))
    weaker = search.islands[1 - request.island]
    assert [elite.member.score for elite in weaker.elites] == [0.9, 0.1, 0.0]


def test_stagnation_adds_islands_up_to_the_maximum() -> None:
    search = a_search(replace(GROWING, migration_every=0, restart_every=0))
    search.tell(answer(ask(search), 0.5))
    search.tell(answer(ask(search), 0.4))
    num_islands = []
    for _ in range(12):
        search.tell(answer(ask(search), None))
        num_islands.append(len(search.islands))
    assert num_islands == [1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3]
    assert [elite.member.score for elite in search.islands[1].elites] == [0.5, 0.4, 0.1, 0.0]
    assert {ask(search).island for _ in range(50)} == {0, 1, 2}


def test_a_better_program_puts_off_the_next_island() -> None:
    search = a_search(replace(GROWING, migration_every=0, restart_every=0))
    for score in (None, None, None, 0.5, None, None, None):
        search.tell(answer(ask(search), score))
    assert len(search.islands) == 1
    search.tell(answer(ask(search), None))
    assert len(search.islands) == 2


def test_crossover_needs_a_mate() -> None:
    search = Search(SearchConfig(crossover_probability=1.0), FOUNDERS[:1])
    assert (ask(search).operator, ask(search).inspirations) == (Operator.MUTATE, ())


def test_crossover_and_repair_are_asked_for_only_where_they_are_possible() -> None:
    only = tuple(Arm("big", operator) for operator in (Operator.CROSSOVER, Operator.REPAIR))
    search = Search(replace(CONFIG, arms=only, num_islands=1), FOUNDERS[:1])
    first = ask(search)
    assert first.operator is Operator.DIFF
    search.tell(answer(first, None))
    assert {ask(search).operator for _ in range(5)} == {Operator.REPAIR}


def test_a_model_that_brings_more_is_asked_more_often() -> None:
    search = Search(replace(CONFIG, arms=(Arm("big", Operator.DIFF), Arm("small", Operator.DIFF))), FOUNDERS)
    asked = Counter[str]()
    for index in range(200):
        request = ask(search)
        asked[request.model] += index >= 100
        better = request.model == "small" and index % 3 == 0
        search.tell(answer(request, request.parent.score + 0.01 if better else request.parent.score - 0.01))
    assert asked["small"] > 70


def test_pinned_programs_are_parents_for_good_and_banned_ones_never() -> None:
    search = a_search(replace(CONFIG, restart_every=0))
    pinned = a_member(77, -5.0)
    banned = FOUNDERS[0].candidate_id
    search.mark([pinned], [banned])
    requests = [ask(search) for _ in range(100)]
    parents = Counter(request.parent.candidate_id for request in requests)
    assert 10 < parents[pinned.candidate_id] < 45
    assert banned not in parents
    assert all(banned != member.candidate_id for request in requests for member in request.inspirations)
    search.mark([], [member.candidate_id for member in FOUNDERS])
    assert ask(search).parent in FOUNDERS  # nothing else is left


@pytest.mark.parametrize(
    ("tolds", "outstanding", "message"),
    [
        ([0, 0], {}, "attempt 0 was not asked or was told before"),
        ([0], {0: None}, "attempt 0 was not asked or was told before"),
        ([1], {}, r"attempts \[0\] are neither told nor outstanding"),
    ],
)
def test_a_history_that_cannot_be_is_refused(
    tolds: list[int], outstanding: dict[int, Arm | None], message: str
) -> None:
    parent_id = FOUNDERS[0].candidate_id
    history = [Told(index=index, island=0, parent_id=parent_id, member=None) for index in tolds]
    with pytest.raises(SearchError, match=message):
        Search.replay(CONFIG, FOUNDERS, history, outstanding)


def test_a_search_needs_scored_founders() -> None:
    with pytest.raises(SearchError, match="at least one scored founder"):
        Search(CONFIG, [])
    with pytest.raises(SearchError, match="only finite scores"):
        Search(CONFIG, [a_member(0, math.inf, founder=True)])


@pytest.mark.parametrize(
    ("build", "name"),
    [
        (lambda: SearchConfig(num_islands=0), "num_islands"),
        (lambda: SearchConfig(elites_per_island=0), "elites_per_island"),
        (lambda: SearchConfig(crossover_probability=1.5), "crossover_probability"),
        (lambda: SearchConfig(most_islands=0), "most_islands"),
        (lambda: SearchConfig(migration_every=-1), "must not be negative"),
        (lambda: SearchConfig(new_island_after=-1), "must not be negative"),
    ],
)
def test_senseless_settings_are_refused(build: Callable[[], SearchConfig], name: str) -> None:
    with pytest.raises(SearchError, match=name):
        build()


@pytest.mark.parametrize("name", list(SAMPLERS))
def test_every_sampler_can_drive_a_search(name: str) -> None:
    search = a_search(replace(CONFIG, sampler=SAMPLERS[name]))
    for number in range(60):
        search.tell(answer(ask(search), SCORES[number % len(SCORES)]))
    assert search.best.score == 0.7


def test_the_search_climbs_where_children_resemble_their_parents() -> None:
    search = Search(SearchConfig(), FOUNDERS)
    for index in range(400):
        request = ask(search)
        step = float(np.random.default_rng([1, index]).normal(-0.05, 0.1))
        search.tell(answer(request, request.parent.score + step))
    assert search.best.score > 1.0
