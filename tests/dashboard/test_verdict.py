"""The end of a run on its page says what `evolve run` said when it ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import streamlit as st

from archive import endings, run_summaries, run_views
from archive.records import Founder, FounderRole, Run, RunStatus
from archive.store import Archive
from dashboard.links import PageName
from dashboard.settings import ARCHIVE_VARIABLE
from dashboard.views import run as run_view
from dashboard.views import verdict as view
from dashboard.views.fold import RunFold
from dashboard.views.run import Budget, Phase
from evaluators.contract import Evaluation, Outcome, Split, Tier
from evaluators.paired import gain_of, p_of
from evaluators.seeding import SeedSource
from evolve.cli.report import verdict_sentence
from evolve.run.champion import choose_champion
from evolve.run.finale import Standing
from evolve.run.finale import Verdict as RunVerdict
from tests.archive import samples
from tests.archive.samples import RUN_ID, a_candidate, a_failed_evaluation, a_key, an_attempt, an_evaluation
from tests.dashboard.test_pages import show, words

INITIAL, BASELINE = a_candidate(0), a_candidate(500)
VALIDATIONS = {1: 0.6, 2: 0.7, 3: 0.65}  # by attempt
HOLDOUTS = {0: 0.5, 500: 0.9, 2: 0.62}


def noisy(objective: float, seeds: str, split: Split) -> Evaluation:
    """Scores whose differences to another's vary from instance to instance, the more the higher they are."""
    made = an_evaluation(objective, split=split, seeds=seeds)
    spread = objective - 0.5
    instances = [replace(x, score=objective + spread * (i % 4 - 1.5) / 2) for i, x in enumerate(made.instances)]
    return replace(made, instances=tuple(instances))


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A run with an initial program, a baseline and three children, all validated."""
    url = f"sqlite:///{tmp_path}/judged.db"
    with Archive.open(url) as archive:
        run = samples.begin(archive, replace(samples.a_run(), config='{"attempts": 3, "final_tier": "quick"}'))
        archive.add_candidate(BASELINE)
        roles = ((FounderRole.INITIAL, "initial", INITIAL.id), (FounderRole.BASELINE, "good", BASELINE.id))
        for ordinal, (role, name, id_) in enumerate(roles):
            founder = Founder(run_id=RUN_ID, ordinal=ordinal, role=role, name=name, candidate_id=id_)
            archive.add_founder(founder)
            add(archive, id_, an_evaluation(0.5))
        for number in VALIDATIONS:
            attempt = replace(an_attempt(number - 1), inspiration_ids=())
            samples.finish(archive, attempt, a_candidate(number), an_evaluation(0.5))
        for number, objective in {0: 0.5, **VALIDATIONS}.items():
            add(archive, a_candidate(number).id, noisy(objective, seeds(run, Split.VALIDATION), Split.VALIDATION))
    return url


@pytest.fixture
def archive(url: str) -> Iterator[Archive]:
    with Archive.open(url) as archive:
        yield archive


def seeds(run: Run, split: Split, holdout_secret: str = "") -> str:
    return SeedSource(holdout_secret or run.secret, split).digest()


def add(archive: Archive, candidate_id: str, made: Evaluation) -> None:
    archive.add_evaluation(candidate_id, made, a_key(candidate_id, made), RUN_ID)


def judge(archive: Archive, holdouts: dict[int, float]) -> dict[str, Evaluation]:
    """Hold-out scores, by number of a candidate."""
    digest = seeds(archive.run(RUN_ID), Split.HOLDOUT, archive.holdout_secret())
    made = {a_candidate(number).id: noisy(score, digest, Split.HOLDOUT) for number, score in holdouts.items()}
    for candidate_id, evaluation in made.items():
        add(archive, candidate_id, evaluation)
    return made


def verdict(archive: Archive) -> view.Verdict:
    judging = endings.judging_of(archive, RUN_ID)
    assert judging is not None
    champion = view.champion_of(judging)
    scores = endings.holdout_scores(archive, judging, view.judged_ids(judging, champion))
    assert view.tier_of(scores, champion, INITIAL.id, None) is Tier.QUICK
    holdouts = [endings.holdout_of(archive, judging, id_, Tier.QUICK) for id_ in (champion, INITIAL.id)]
    return view.verdict_of(judging, champion, Tier.QUICK, scores, holdouts)


def standing(candidate_id: str, role: str, evaluation: Evaluation, initial: Evaluation) -> Standing:
    return Standing(
        name="good" if role == "baseline" else candidate_id[:10],
        candidate_id=candidate_id,
        role=role,
        search=0.5,
        validation=0.5,
        holdout=evaluation.objective,
        holdout_interval=None,
        gain=gain_of(evaluation, initial),
        gain_p=p_of(evaluation, initial),
        outcome=Outcome.SCORED,
    )


@pytest.mark.parametrize("holdout", [0.62, 0.5, 0.44, 0.95])
def test_page_and_command_give_the_same_verdict(archive: Archive, holdout: float) -> None:
    made = judge(archive, {**HOLDOUTS, 2: holdout})
    roles = {INITIAL.id: "initial", BASELINE.id: "baseline"}
    rows = [standing(i, roles.get(i, "champion"), e, made[INITIAL.id]) for i, e in made.items()]
    expected = RunVerdict(champion_id=a_candidate(2).id, initial_id=INITIAL.id, standings=tuple(rows))
    found = verdict(archive)
    assert found.sentence == verdict_sentence(expected)
    assert (found.champion_id, found.holdout, found.is_initial) == (a_candidate(2).id, holdout, False)


def test_page_and_search_choose_the_same_champion(archive: Archive) -> None:
    judging = endings.judging_of(archive, RUN_ID)
    assert judging is not None
    assert [c.candidate_id for c in judging.contenders] == [a_candidate(i).id for i in (2, 3, 1)]
    known = [(INITIAL.id, judging.initial.evaluation), *((c.candidate_id, c.evaluation) for c in judging.contenders)]
    assert view.champion_of(judging) == choose_champion(INITIAL.id, known) == a_candidate(2).id
    unclear = replace(judging, contenders=judging.contenders[2:])
    assert view.champion_of(unclear) == choose_champion(INITIAL.id, [known[0], known[3]])
    assert view.champion_of(replace(judging, contenders=())) == INITIAL.id


def test_looks_on_fresh_seeds_choose_nobody(archive: Archive) -> None:
    add(archive, a_candidate(1).id, noisy(0.99, "f" * 16, Split.VALIDATION))
    judging = endings.judging_of(archive, RUN_ID)
    assert judging is not None
    assert judging.contenders[0].candidate_id == a_candidate(2).id


def test_scores_of_another_league_judge_nothing(archive: Archive) -> None:
    judge(archive, HOLDOUTS)
    before = verdict(archive)
    archive.add_run(samples.a_run("other123"))  # of the same seed, scored elsewhere and later
    made = noisy(0.5, seeds(archive.run(RUN_ID), Split.VALIDATION), Split.VALIDATION)
    made = replace(made, environment_class="another machine")
    archive.add_evaluation(INITIAL.id, made, a_key(INITIAL.id, made), "other123")
    assert verdict(archive) == before


def test_a_second_initial_program_can_be_the_champion(archive: Archive) -> None:
    second = a_candidate(700)
    archive.add_candidate(second)
    role = FounderRole.INITIAL
    archive.add_founder(Founder(run_id=RUN_ID, ordinal=2, role=role, name="second", candidate_id=second.id))
    add(archive, second.id, noisy(0.95, seeds(archive.run(RUN_ID), Split.VALIDATION), Split.VALIDATION))
    made = judge(archive, {**HOLDOUTS, 700: 0.8})
    rows = [standing(INITIAL.id, "initial", made[INITIAL.id], made[INITIAL.id])]
    rows.append(standing(BASELINE.id, "baseline", made[BASELINE.id], made[INITIAL.id]))
    rows.append(replace(standing(second.id, "initial", made[second.id], made[INITIAL.id]), name="second"))
    expected = RunVerdict(champion_id=second.id, initial_id=INITIAL.id, standings=tuple(rows))
    assert verdict(archive).sentence == verdict_sentence(expected)


def test_a_failed_champion_claims_nothing(archive: Archive) -> None:
    judge(archive, {0: 0.5, 500: 0.9})
    digest = seeds(archive.run(RUN_ID), Split.HOLDOUT, archive.holdout_secret())
    add(archive, a_candidate(2).id, replace(a_failed_evaluation(split=Split.HOLDOUT), seeds=digest))
    found = verdict(archive)
    assert "nothing is claimed" in found.sentence
    assert found.holdout is None


@pytest.fixture
def _served(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv(ARCHIVE_VARIABLE, url)
    yield
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.mark.usefixtures("_served")
def test_a_finished_run_shows_its_verdict(archive: Archive) -> None:
    judge(archive, HOLDOUTS)
    archive.set_run_status(RUN_ID, RunStatus.FINISHED)
    shown = words(show(PageName.RUN, run=RUN_ID)).replace("\\", "")
    assert f"The champion {a_candidate(2).id[:10]} is better than the initial program on the hold-out" in shown
    assert "above 0 of 1 baselines" in shown
    assert "Phase" not in shown


@pytest.mark.usefixtures("_served")
def test_a_run_without_verdict_says_so(archive: Archive) -> None:
    archive.set_run_status(RUN_ID, RunStatus.FINISHED)
    assert "was not judged" in words(show(PageName.RUN, run=RUN_ID))


@pytest.mark.usefixtures("_served")
def test_a_run_at_its_hold_out_says_how_far_it_is(archive: Archive) -> None:
    assert "validation of the best programs" in words(show(PageName.RUN, run=RUN_ID))
    judge(archive, {0: 0.5})
    shown = words(show(PageName.RUN, run=RUN_ID)).replace("\\", "")
    assert "hold-out, instances nobody has seen: 1 of 2 initial and baseline programs are scored" in shown
    assert "Verdict" not in shown


def test_phases_before_the_end(archive: Archive) -> None:
    run, founders = run_summaries.run_summaries(archive)[0], run_views.founder_scores(archive, RUN_ID)
    budget, fold = Budget.of(run.config), RunFold()
    for page in run_views.told_after(archive, RUN_ID):
        fold.add(page)
    unscored = [replace(founder, score=None) for founder in founders]
    unasked = replace(run, asked=0, told=0)
    assert run_view.phase_of(unasked, RunFold(), budget, {}, unscored, 0) is Phase.SCORING
    assert run_view.phase_of(unasked, RunFold(), budget, {}, founders, 0) is Phase.SEARCH
    assert run_view.phase_of(run, fold, budget, {"asked": 1}, founders, 0) is Phase.SEARCH
    assert run_view.phase_of(run, fold, Budget.of("{}"), {}, founders, 0) is Phase.SEARCH
    assert run_view.phase_of(run, fold, budget, {}, founders, 0) is Phase.VALIDATION
    assert run_view.phase_of(run, fold, budget, {}, founders, 1) is Phase.HOLDOUT


def test_baselines_above_the_champion_are_named_best_first() -> None:
    scores = {"a": 0.1, "b": 0.9, "c": 0.7, "d": 0.8, "e": 0.6}
    assert view.place_among(scores, 0.5) == "above 1 of 5 baselines, below b, d, c and 1 more"
    assert view.place_among(scores, 0.95) == "above 5 of 5 baselines"
