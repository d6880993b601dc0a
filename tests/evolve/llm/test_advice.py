from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from archive.records import AttemptState, FounderRole, NoteKind, Run
from archive.store import Archive
from evaluators.contract import PlannerClock
from evaluators.registry import problem
from evaluators.toy import PROBLEM
from evolve.config import build_config
from evolve.llm.advice import Advice, Advisor, kept
from evolve.llm.lessons import Scratchpad
from evolve.llm.notebook import Pages, Subject
from evolve.programs import Program
from evolve.prompting.advice import Tried, build_advice
from evolve.run.session import new_run, split_secrets
from evolve.run.stages import Stages
from evolve.run.standing import asked_attempt
from evolve.search.request import Member, MutationRequest, Operator
from tests.evolve.fakes import FakeBackend

PROGRAMS = (Program(role=FounderRole.INITIAL, name="initial", source="# initial\n"),)


def tried(*counts: tuple[int, int]) -> list[Tried]:
    return [Tried(number=i, text=f"way {i}", attempts=n, improved=m) for i, (n, m) in enumerate(counts)]


def test_the_plain_prompt_the_newest_and_the_best_of_the_others_stay_in_play() -> None:
    known = tried((50, 5), (20, 1), (20, 9), (20, 2), (20, 8), (9, 0), (0, 0))
    assert [one.number for one in kept(known)] == [0, 2, 4, 5, 6]


@pytest.mark.parametrize("number", [1, 2])
def test_while_there_is_little_advice_all_of_it_is_tried(number: int) -> None:
    known = tried((10, 1), (10, 0), (0, 0))[: number + 1]
    assert kept(known) == known


def test_the_label_of_an_attempt_names_the_advice_it_carried() -> None:
    assert Advice(2, "look there").labelled("diff") == "diff+advice 2"
    assert Advice(0, "").labelled("diff") == "diff"


def test_the_question_shows_what_each_piece_of_advice_led_to() -> None:
    (message,) = build_advice(problem("toy").task, tried((12, 3), (8, 4)))
    assert "no advice: 3 of 12 programs were better than their parent" in message.text
    assert "advice 1: 4 of 8 programs were better than their parent\nway 1" in message.text


@pytest.fixture
def archive() -> Iterator[Archive]:
    with Archive.open("sqlite://") as opened:
        yield opened


class Scene:
    """A run whose attempts are told in whatever order a test wants; all end as rejected."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.run: Run = new_run(archive, build_config({"task": "toy", "seed": 1}), PROBLEM.task, PROGRAMS, "test", "")
        secrets = split_secrets(archive, self.run, PROBLEM.task)
        stages = Stages(archive, FakeBackend(1), PROBLEM.task, secrets, PlannerClock.MEASURED, self.run.id)
        self.subject = Subject(
            archive=archive, run_id=self.run.id, task=PROBLEM.task, stages=stages, timestamp=lambda: ""
        )
        founder = archive.founders(self.run.id)[0].candidate_id
        self._parent = Member(candidate_id=founder, score=0.0, instance_scores=(), attempt_index=None, parent_id=None)

    def request(self, index: int, num_tells: int = 0) -> MutationRequest:
        return MutationRequest(
            index=index, island=0, operator=Operator.DIFF, parent=self._parent, inspirations=(), num_tells=num_tells
        )

    def ask(self, *indices: int) -> None:
        for index in indices:
            self.archive.add_attempt(asked_attempt(self.run.id, self.request(index), "m", ""))

    def tell(self, index: int, operator: str = "diff") -> None:
        asked = self.archive.attempt(self.run.id, index)
        self.archive.record_told(replace(asked, state=AttemptState.REJECTED, operator=operator, rejection="no"))


def test_a_piece_of_advice_keeps_its_number_when_an_earlier_attempt_ends_late(archive: Archive) -> None:
    scene = Scene(archive)
    advisor = Advisor(scene.subject, 10)
    scene.ask(10, 20, 30, 31)
    for index in (10, 20):
        advisor.write(f"advice of {index}", scene.request(index))
    scene.tell(20)
    before = advisor.tried(scene.request(40, num_tells=1))
    assert [(one.number, one.text) for one in before] == [(0, ""), (20, "advice of 20")]
    scene.tell(30, "diff+advice 20")
    scene.tell(10)
    after = advisor.tried(scene.request(41, num_tells=3))
    assert [(one.number, one.text) for one in after] == [(0, ""), (10, "advice of 10"), (20, "advice of 20")]
    assert {one.number: one.attempts for one in after} == {0: 2, 10: 0, 20: 1}


@pytest.mark.parametrize("ended", [(10, 15), (15, 10)])
def test_the_newest_lessons_are_of_the_attempt_asked_last_whoever_ended_first(
    archive: Archive, ended: tuple[int, int]
) -> None:
    scene = Scene(archive)
    scratchpad = Scratchpad(scene.subject, 5)
    scene.ask(10, 15)
    for index in ended:
        scratchpad.write(f"lessons of {index}", scene.request(index))
    scene.tell(15)
    scene.tell(10)
    assert scratchpad.current(scene.request(40, num_tells=2)) == "lessons of 15"


def test_a_page_is_written_once(archive: Archive) -> None:
    scene = Scene(archive)
    pages = Pages(scene.subject, NoteKind.LESSON, 5)
    scene.ask(10)
    for text in ("first", "again", " "):
        pages.write(text, scene.request(10))
    assert [note.text for note in archive.notes_for(scene.run.id, NoteKind.LESSON)] == ["first"]
    assert archive.notes_for(scene.run.id, NoteKind.ADVICE, NoteKind.HINT) == []
    assert [page.text for page in pages.readable(scene.request(10))] == ["first"]


def test_what_is_chosen_is_among_what_is_readable(archive: Archive) -> None:
    scene = Scene(archive)
    advisor = Advisor(scene.subject, 10)
    scene.ask(10)
    advisor.write("advice of 10", scene.request(10))
    assert advisor.chosen(scene.request(11), np.random.default_rng(0)) == Advice(0, "")  # not told yet
    scene.tell(10)
    found = {advisor.chosen(scene.request(12, num_tells=1), np.random.default_rng(seed)).number for seed in range(20)}
    assert found == {0, 10}
