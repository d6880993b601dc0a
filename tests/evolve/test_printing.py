from __future__ import annotations

from collections import Counter

import pytest

from evolve.cli.printing import counted, outcomes_text, print_wrapped_table


def test_one_is_not_plural() -> None:
    assert (counted(1, "attempt"), counted(0, "attempt")) == ("1 attempt", "0 attempts")
    assert outcomes_text(Counter(scored=3, twin=2, rejected=1)) == "3 scored, 2 twins, 1 rejected"
    assert outcomes_text(Counter(twin=1)) == "1 twin"


def test_prose_is_wrapped_at_the_terminals_edge(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    print_wrapped_table(["task", "summary"], [["toy", "guess hidden points of a line from noisy hints"]])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 40
    assert " ".join(line[6:] for line in lines[2:]) == "guess hidden points of a line from noisy hints"
    assert all(line.startswith("      ") for line in lines[3:])
