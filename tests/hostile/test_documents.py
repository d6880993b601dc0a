"""The generated tables say what the corpus is now."""

from __future__ import annotations

from pathlib import Path

from tests.hostile.headers import ATTACKS, read_attack

DOCS = Path(__file__).parents[2] / "docs"
REMEDY = "run `python -m scripts.trust_tables`"


def test_every_attack_has_a_row_with_expected_outcomes() -> None:
    lines = (DOCS / "trust_corpus.md").read_text(encoding="utf-8").splitlines()
    rows = {line.split("`")[1]: line.split(" | ")[2:] for line in lines if line.startswith("| `")}
    attacks = {path.stem: read_attack(path) for path in ATTACKS}
    assert rows.keys() == attacks.keys(), REMEDY
    for name, outcomes in rows.items():
        assert {cell.removesuffix(" |") for cell in outcomes} <= attacks[name].expected, f"{name}: {REMEDY}"


def test_summary_counts_the_corpus_and_no_failure() -> None:
    text = (DOCS / "trust.md").read_text(encoding="utf-8")
    totals = next(line for line in text.splitlines() if line.startswith("| all |")).strip("| ").split(" | ")
    assert int(totals[1]) == len(ATTACKS), REMEDY
    assert set(totals[2:]) == {"0"}
