from __future__ import annotations

from evaluators.figures import difference_range, difference_text, score_range, score_text


def test_zero_has_no_sign_of_its_own() -> None:
    assert score_text(-0.00001) == "0.0000"
    assert difference_text(-0.00001) == "+0.0000"


def test_signs_are_for_differences() -> None:
    assert score_range(0.86731, -0.0) == "[0.8673, 0.0000]"
    assert difference_range(-0.1, 0.25) == "[-0.1000, +0.2500]"
