"""A program that behaves as an earlier one, on the pages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import streamlit as st

from archive.store import Archive
from dashboard.links import PageName
from dashboard.palette import OUTCOME_COLOURS
from dashboard.settings import ARCHIVE_VARIABLE
from evaluators.contract import Split, Tier
from tests.archive import samples
from tests.dashboard.seeded import evaluation, program, score, seed_archive
from tests.dashboard.test_pages import show, words

TWIN, FIRST = program(777), program(28)


@pytest.fixture
def _served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The seeded archive with one more attempt, a twin that came to validation and hold-out."""
    url = f"sqlite:///{tmp_path}/twins.db"
    with Archive.open(url) as archive:
        seed_archive(archive)
        attempt = replace(samples.an_attempt(30), parent_id=FIRST.id, inspiration_ids=())
        samples.take_over(archive, attempt, TWIN, FIRST.id)
        for made in (evaluation(0.5, Tier.QUICK, Split.VALIDATION), evaluation(0.45, Tier.FULL, Split.HOLDOUT)):
            archive.add_evaluation(TWIN.id, made, samples.a_key(TWIN.id, made), samples.RUN_ID)
    monkeypatch.setenv(ARCHIVE_VARIABLE, url)
    yield
    st.cache_resource.clear()


@pytest.mark.usefixtures("_served")
def test_leaderboard_shows_the_score_that_was_taken_over() -> None:
    frame = show(PageName.LEADERBOARD).dataframe[0].value
    (row,) = frame[frame["id"] == TWIN.id].to_dict("records")
    assert row["search"] == pytest.approx(score(28))
    assert row["gap"] == pytest.approx(score(28) - 0.45)


@pytest.mark.usefixtures("_served")
def test_its_page_names_the_program_it_behaves_as() -> None:
    app = show(PageName.CANDIDATE, id=TWIN.id[:12])
    assert f"It behaves as {FIRST.id[:10]}" in words(app)


@pytest.mark.usefixtures("_served")
def test_ancestry_calls_it_a_twin() -> None:
    children = show(PageName.CANDIDATE, id=FIRST.id[:12]).dataframe
    endings = [row for table in children if "ending" in table.value for row in table.value.to_dict("records")]
    (row,) = [row for row in endings if row["id"] == TWIN.id]
    assert (row["ending"], row["score"]) == ("twin", pytest.approx(score(28)))


@pytest.mark.usefixtures("_served")
def test_the_run_counts_it_apart() -> None:
    assert "1 twin" in words(show(PageName.RUN, run=samples.RUN_ID))
    assert {"twin", "stopped"} <= OUTCOME_COLOURS.keys()
