"""What a router's choices look like: which experts are liked by all, by a text, by a few tokens, by the layer before.

The terms are those of measured routing (few experts are popular, a text has favourites, neighbouring tokens agree a
little); the sizes are ours, set so that the share of a token's experts that the token before had used lies between the
published extremes (0.25 to 0.47 in OLMoE; 0.69 for the sticky pattern).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """Standard deviations of the terms that a router's logit is the sum of, and how they change."""

    popularity: float  # of an expert, always
    topic: float  # of an expert, as long as a sequence is about one domain
    sequence: float  # of an expert, in one sequence
    token: float  # of an expert, at one token
    memory: float  # correlation of the token term from a step to the next
    chain: float  # added to an expert per chosen expert of the layer before that points to it
    domains: int  # kinds of text, each with a topic term of its own
    steps: int  # of a sequence
    drift: float = 0.0  # correlation lost per step by the sequence term; 0: it stays through the sequence


PATTERNS = {
    "popular": Pattern(popularity=0.6, topic=0.5, sequence=0.6, token=1.1, memory=0.2, chain=0.0, domains=4, steps=24),
    "sticky": Pattern(popularity=0.3, topic=0.3, sequence=0.5, token=1.1, memory=0.8, chain=0.0, domains=4, steps=32),
    "recurring": Pattern(
        popularity=0.2, topic=1.2, sequence=0.2, token=0.9, memory=0.2, chain=0.0, domains=3, steps=12
    ),
    "chained": Pattern(popularity=0.4, topic=0.4, sequence=0.4, token=1.0, memory=0.2, chain=1.5, domains=4, steps=24),
    "drifting": Pattern(
        popularity=0.2, topic=0.2, sequence=1.2, token=0.9, memory=0.4, chain=0.0, domains=2, steps=400, drift=0.05
    ),
    "skewed": Pattern(popularity=1.3, topic=0.4, sequence=0.4, token=0.9, memory=0.3, chain=0.5, domains=6, steps=40),
}
