from __future__ import annotations

import pytest

from evaluators.registry import problem
from evolve.llm.advice import Advice, kept
from evolve.prompting.advice import Tried, build_advice


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
