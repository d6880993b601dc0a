"""Pages as Streamlit runs them, without a browser."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from archive.store import Archive
from dashboard.facts import TaskFacts, facts_to_json
from dashboard.launch import APP
from dashboard.links import PageName
from dashboard.settings import ARCHIVE_VARIABLE, TASKS_VARIABLE
from evaluators.contract import Direction, MetricSpec
from tests.archive import samples
from tests.dashboard.seeded import HOSTILE_PROGRAM, program, seed_archive
from tests.postgres import PostgresServer, free_port

TOY = TaskFacts(
    name="toy",
    summary="",
    objective="score",
    bound=1.0,
    weak_baseline="half",
    metrics=(MetricSpec(name="moves", unit="1", direction=Direction.MINIMIZE, description=""),),
)


def show(name: PageName, **query: str | list[str]) -> AppTest:
    """The page `name` after its first run."""

    def script(name: str) -> None:
        from importlib import import_module

        import_module(f"dashboard.screens.{name}").page()

    app = AppTest.from_function(script, args=(str(name),), default_timeout=30)
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


def words(app: AppTest) -> str:
    """All text of a page."""
    shown = [*app.markdown, *app.caption, *app.info, *app.warning, *app.error, *app.title, *app.text, *app.success]
    return "\n".join(str(element.value) for element in shown)


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize("name", PageName)
def test_every_page_shows_a_seeded_archive(name: PageName) -> None:
    query = {"id": program(18).id} if name is PageName.CANDIDATE else {}
    app = show(name, **query)
    assert not app.exception
    assert not app.error
    assert "opened for reading only" in words(app)


@pytest.mark.parametrize("name", PageName)
def test_every_page_of_an_empty_archive_says_what_to_do(
    name: PageName, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ARCHIVE_VARIABLE, empty_url)
    app = show(name)
    assert not app.exception
    assert app.info
    assert all(info.value.endswith((".", "such:")) for info in app.info)
    st.cache_resource.clear()


@pytest.mark.parametrize("name", [name for name in PageName if name is not PageName.CANDIDATE])
def test_a_missing_archive_is_a_sentence(name: PageName, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ARCHIVE_VARIABLE, f"sqlite:///{tmp_path}/gone.db")
    app = show(name)
    assert not app.exception
    assert "there is no archive at" in app.error[0].value.replace("\\", "")
    assert app.button[0].label == "Look again"


def test_an_archive_that_appears_is_found_by_the_next_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path}/later.db"
    monkeypatch.setenv(ARCHIVE_VARIABLE, url)
    app = show(PageName.LEADERBOARD)
    assert app.error
    Archive.open(url).close()
    app.button[0].click().run()
    assert not app.error
    st.cache_resource.clear()


def test_another_schema_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from archive import schema

    url = f"sqlite:///{tmp_path}/old.db"
    Archive.open(url).close()
    monkeypatch.setattr(schema, "SCHEMA_VERSIONS", (*schema.SCHEMA_VERSIONS, "9999"))
    monkeypatch.setenv(ARCHIVE_VARIABLE, url)
    app = show(PageName.LEADERBOARD)
    assert "evolve archive upgrade" in app.error[0].value.replace("\\", "")
    st.cache_resource.clear()


@pytest.mark.usefixtures("served")
def test_leaderboard_ranks_and_marks_baselines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TASKS_VARIABLE, facts_to_json([TOY]))
    app = show(PageName.LEADERBOARD)
    frame = app.dataframe[0].value
    assert list(frame["rank"].dropna()) == sorted(frame["rank"].dropna())
    assert set(frame[frame["kind"] == "baseline"]["name"]) == {"half", "greedy"}
    assert app.metric[2].value == "1"
    assert app.metric[0].label.startswith("Best on the hold-out: ")
    assert "[" in app.metric[0].value
    assert "differences of two are under Compare" in words(app)
    assert "tampered" in words(app)


@pytest.mark.usefixtures("served")
def test_leaderboard_filters() -> None:
    app = show(PageName.LEADERBOARD)
    app.text_input[0].input("greedy").run()
    assert list(app.dataframe[0].value["name"]) == ["greedy"]
    app.text_input[0].input("no such program").run()
    assert not app.dataframe
    assert "No program fits the filter." in words(app)


@pytest.mark.usefixtures("served")
def test_candidate_is_compared_with_its_parent() -> None:
    app = show(PageName.CANDIDATE, id=program(18).id[:12])
    assert "This program is" in words(app).replace("\\", "")
    assert app.query_params["id"] == program(18).id[:12]
    assert {"a", "b", "difference"} <= set(app.dataframe[0].value.columns)
    assert any("Call 0" in expander.label for expander in app.expander)
    diff = app.code[1]
    assert diff.language == "diff"
    assert "+    return 18" in diff.value


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize("wanted", ["ffff0000", "0"])
def test_an_unknown_candidate_is_a_sentence(wanted: str) -> None:
    app = show(PageName.CANDIDATE, id=wanted)
    assert not app.exception
    assert app.warning or app.info


@pytest.mark.usefixtures("served")
def test_what_the_url_asks_for_in_vain_is_said() -> None:
    for name in (PageName.RUN, PageName.MAP, PageName.COMPARE):
        assert "There is no run 'nosuch' here." in words(show(name, run="nosuch"))
    for name in (PageName.CANDIDATE, PageName.COMPARE):
        assert "There is no program 'zzzz' here." in words(show(name, id="zzzz"))
    assert "There is no" not in words(show(PageName.RUN, run=samples.RUN_ID))


@pytest.mark.usefixtures("served")
def test_commands_name_the_archive(seeded_url: str) -> None:
    app = show(PageName.CANDIDATE, id=program(18).id)
    (command,) = [str(block.value) for block in app.code if "evolve verify" in str(block.value)]
    assert command.endswith(f" --archive {seeded_url}")


@pytest.mark.usefixtures("served")
def test_a_program_without_a_parent_is_not_compared_with_one() -> None:
    of_founder = show(PageName.CANDIDATE, id=program(1001).id)
    assert of_founder.button_group[0].options == ["initial", "another"]
    of_child = show(PageName.CANDIDATE, id=program(18).id)
    assert of_child.button_group[0].options == ["parent", "initial", "another"]


@pytest.mark.usefixtures("served")
def test_hostile_text_is_shown_as_bounded_inert_text() -> None:
    app = show(PageName.CANDIDATE, id=HOSTILE_PROGRAM.id)
    assert not app.exception
    blocks = [str(block.value) for block in app.code]
    assert any("<script>" in block for block in blocks)  # as text of a code block
    assert all(len(block) < 200_000 for block in blocks)
    assert "more characters" in "".join(blocks)
    for text in (*blocks, words(app)):
        assert not {"\x1b", "\x00", "\u202e", "\u2066", "\u200b", "\ud800"} & set(text)
    assert not any(element.allow_html for element in app.markdown)


@pytest.mark.usefixtures("served")
def test_run_page_shows_models_bandit_and_rejections() -> None:
    app = show(PageName.RUN, run=samples.RUN_ID)
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["attempts told"] == "30"
    assert shown["attempts left"] == "20"
    assert shown["USD left"] == "1.6250"
    assert "Models" in words(app)
    assert "bandit" in words(app)
    assert shown["scored"] == "24 of 30"
    assert "Rejected by the gate" in words(app)
    assert any("neighbour" in table.value.columns for table in app.dataframe)


@pytest.mark.usefixtures("served")
def test_a_killed_run_says_how_to_go_on() -> None:
    app = show(PageName.RUN, run="killed99")
    assert "evolve resume" in words(app).replace("\\", "")


@pytest.mark.usefixtures("served")
def test_compare_takes_programs_and_runs_from_the_query() -> None:
    app = show(PageName.COMPARE, id=[program(18).id[:12], program(28).id[:12]], run=samples.RUN_ID)
    assert "against" in words(app)
    assert app.multiselect[0].value == [samples.RUN_ID]


@pytest.mark.usefixtures("served")
def test_compare_names_baselines() -> None:
    greedy = program(1002).id
    app = show(PageName.COMPARE, id=[greedy[:12], program(18).id[:12]])
    assert f"greedy {greedy[:6]} against {program(18).id[:10]}" in words(app)


@pytest.mark.usefixtures("served")
def test_a_crashed_program_is_not_sent_to_a_comparison() -> None:
    app = show(PageName.COMPARE, id=[program(18).id[:12], HOSTILE_PROGRAM.id[:12]])
    assert "One of the two was never scored" in words(app)
    assert not any("evolve compare" in str(block.value) for block in app.code)
    crashed = show(PageName.CANDIDATE, id=HOSTILE_PROGRAM.id[:12])
    assert "Crosses: -1 stands for a failed instance (3 of 3)." in words(crashed).replace("\\", "")


def test_compare_says_what_does_not_compare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path}/two.db"
    with Archive.open(url) as archive:
        seed_archive(archive)
        archive.add_run(replace(samples.a_run("other123"), task="other", task_identity="f" * 12))
        elsewhere = replace(samples.an_evaluation(), task="other", task_identity="f" * 12)
        archive.add_candidate(program(5000))
        archive.add_evaluation(program(5000).id, elsewhere, samples.a_key(program(5000).id, elsewhere))
    monkeypatch.setenv(ARCHIVE_VARIABLE, url)
    app = show(PageName.COMPARE, id=[program(18).id[:12], program(5000).id[:12]], run=[samples.RUN_ID, "other123"])
    assert "They are of different tasks, toy and other" in words(app)
    assert not any("evolve compare" in str(block.value) for block in app.code)
    assert "Left out, for they are of another task: other123" in words(app)
    st.cache_resource.clear()


@pytest.mark.usefixtures("served")
def test_trust_page_lists_the_quarantined() -> None:
    app = show(PageName.TRUST)
    reasons = [reason for table in app.dataframe if "reason" in table.value for reason in table.value["reason"]]
    assert any("bound was beaten" in reason for reason in reasons)
    assert any("<script>" in reason for reason in reasons)
    assert "\x1b" not in "".join(reasons)


@pytest.mark.usefixtures("served")
def test_the_app_starts_on_the_leaderboard() -> None:
    app = AppTest.from_file(str(APP), default_timeout=30).run()
    assert not app.exception
    assert app.title[0].value == "Leaderboard"


def test_a_file_that_goes_away_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.db"
    Archive.open(f"sqlite:///{path}").close()
    monkeypatch.setenv(ARCHIVE_VARIABLE, f"sqlite:///{path}")
    app = show(PageName.RUN)
    assert not app.error
    path.unlink()
    app.run()
    assert "there is no archive at" in app.error[0].value.replace("\\", "")


def test_pages_read_postgres_and_say_when_it_cannot_be_reached(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.new_schema()
    with Archive.open(url) as archive:
        seed_archive(archive)
    monkeypatch.setenv(ARCHIVE_VARIABLE, url)
    for name in PageName:
        app = show(name, **({"id": program(18).id} if name is PageName.CANDIDATE else {}))
        assert not app.exception
        assert not app.error
    monkeypatch.setenv(ARCHIVE_VARIABLE, f"postgresql://postgres@127.0.0.1:{free_port()}/nobody")
    app = show(PageName.LEADERBOARD)
    assert "cannot be reached" in app.error[0].value.replace("\\", "")
    st.cache_resource.clear()
