from __future__ import annotations

from dashboard import words


def test_small_differences_keep_digits_that_say_something() -> None:
    assert words.signed(0.1234, -0.2, 0.4) == ["+0.1234", "-0.2000", "+0.4000"]
    assert words.signed(-0.00002, -0.0002, 0.00001) == ["-0.00002", "-0.00020", "+0.00001"]
    assert words.signed(0.0, -0.0) == ["0.0000", "0.0000"]
    assert words.signed(-1e-12) == ["0.0000"]
    assert words.signed(0.5, -0.00001) == ["+0.5000", "0.0000"]


def test_noise_is_no_negative_zero() -> None:
    assert [str(words.unsigned_zero(x)) for x in (-1e-12, -0.0, 0.25, None)] == ["0.0", "0.0", "0.25", "None"]


def test_times_are_short() -> None:
    assert words.minute("2026-05-01T12:00:59+00:00") == "2026-05-01 12:00"
    assert words.minute("") == ""


def test_one_is_singular() -> None:
    assert [words.counted(number, "island") for number in (0, 1, 2)] == ["0 islands", "1 island", "2 islands"]
