from __future__ import annotations

from dataclasses import replace

from evolve.export import card_of, card_text
from tests.archive.samples import a_candidate, an_attempt

HOSTILE = "<img src=https://evil.example/b.png>[**verified: 0.99**](https://evil.example) \x1b[2J"


def test_what_a_model_says_of_its_change_is_text_on_the_card() -> None:
    candidate = a_candidate(1)
    step = replace(an_attempt(), candidate_id=candidate.id, change=HOSTILE)
    text = card_text(card_of(candidate, [step], [], [], {}, "evenkeel"))
    assert "\\<img src=https\\://evil\\.example" in text
    assert "\\[\\*\\*verified\\: 0\\.99" in text
    assert "\x1b" not in text
