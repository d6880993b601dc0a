"""The schemas by name, with the variants that are drawn in turns, and the split that each belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evaluators.contract import Split
from evaluators.scheduling.table_reorder.schemas import Draw, Field, coded, joined, nested, retrieved, typed


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One kind of table."""

    variants: tuple[Draw, ...]  # taken in turns
    split: Split = Split.SEARCH  # where it belongs, if all are mixed


_FILM = (Field(0, 2, 8), Field(0, 60, 200), Field(12, 2, 4), Field(0.3, 2, 6, 0.8), Field(40, 2, 2), Field(5, 1, 2))
_REVIEW = (Field(0.9, 20, 120), Field(10, 1, 2, 0.5), Field(0.1, 3, 6, 0.8), Field(2, 1, 1))
_ARTICLE = (Field(0, 10, 60), Field(0.5, 2, 4), Field(12, 1, 3, 0.5), Field(8, 1, 2))
_CODES = tuple(Field(values, 1, 6, 0.6) for values in (2, 2, 3, 3, 4, 4, 5, 6, 6, 8, 10, 12, 15, 20, 25, 40))
_EVENT = (
    Field(3, 1, 2), Field(5, 2, 6, 0.5), Field(8, 2, 20, 0.7), Field(15, 3, 10, 0.7), Field(20, 4, 12, 0.9),
    Field(30, 3, 9, 0.9), Field(60, 5, 40, 1.1), Field(0.2, 3, 12), Field(0.5, 3, 8), Field(12, 15, 60, 0.6),
)  # fmt: skip

_SHOPS = (
    (5, (Field(0, 2, 4), Field(0, 50, 120))),
    (25, (Field(0, 2, 5),)),
    (90, (Field(0, 3, 6), Field(30, 2, 4))),
)
_BRANDS = ((12, (Field(0, 2, 4), Field(4, 20, 90))), (60, (Field(0, 20, 60), Field(20, 2, 4))))
_PASSAGE = (Field(0, 120, 400), Field(0, 3, 10), Field(20, 2, 4))
_QUESTION = (Field(0, 8, 30), Field(4, 40, 90), Field(5, 1, 2))
_CLASHING = (
    Field(3, 1, 4), Field(6, 30, 90, 0.5), Field(12, 4, 12, 1.2), Field(0.02, 10, 40, 0.9), Field(0.1, 5, 200, 1.1),
    Field(0.3, 40, 120, 0.9), Field(4, 2, 6, 1.5), Field(0, 5, 9),
)  # fmt: skip
_FALLING = (
    Field(2, 1, 2), Field(8, 2, 8, 1.0), Field(25, 5, 30, 1.0), Field(0.05, 5, 40, 0.8), Field(0.2, 20, 60, 0.9),
    Field(0.5, 10, 30, 0.6),
)  # fmt: skip
_BEER = (Field(0, 2, 6), Field(0, 30, 110), Field(40, 2, 5, 0.7), Field(0.2, 3, 6))
_TASTER = (Field(0, 2, 4), Field(0, 20, 90), Field(6, 1, 2))
_RATING = (Field(9, 1, 2, 0.3), Field(0.95, 10, 70), Field(0.8, 3, 4))
_CUSTOMER = (Field(0, 3, 4), Field(0.3, 8, 20, 0.5), Field(0.3, 3, 5, 0.5), Field(5, 1, 2), Field(3, 1, 3))
_PRODUCT = (Field(0, 4, 12), Field(0, 15, 70), Field(15, 2, 4))
_LINE = (Field(20, 1, 1, 1.3), Field(0.3, 2, 3), Field(4, 1, 2, 1.0))
_PLANTS = ((9, (Field(0, 2, 4),)), (40, (Field(0, 4, 9), Field(3, 1, 2))), (160, (Field(0, 4, 8), Field(0.4, 10, 50))))
_READING = (Field(0, 3, 3), Field(30, 1, 2, 1.2), Field(0.3, 2, 3), Field(6, 6, 30, 0.8))
_KEY = Field(0, 2, 3)

PATTERNS: Mapping[str, Pattern] = {
    "reviews": Pattern(
        variants=(joined([(0.08, 0.7, _FILM)], _REVIEW, False), joined([(0.15, 1.0, _FILM)], _REVIEW, True))
    ),
    "catalogue": Pattern(variants=(nested(_SHOPS, _ARTICLE, 0.6), nested(_BRANDS, _ARTICLE, 1.0))),
    "questions": Pattern(
        variants=(
            joined([(0.12, 0.8, _PASSAGE)], _QUESTION, False),
            retrieved(0.3, 0.08, 2, (60, 200), (Field(0, 8, 30), Field(3, 30, 80))),
        )
    ),
    "survey": Pattern(
        variants=(coded(8, _CODES, 0.75, (_KEY,)), coded(20, _CODES[2:], 0.6, (_KEY, Field(0.5, 5, 40))))
    ),
    "events": Pattern(
        variants=(
            typed(6, (Field(0, 3, 4), Field(0.4, 3, 3)), _EVENT, (3, 6), 0.6),
            typed(15, (Field(0, 3, 4), Field(4, 1, 1)), _EVENT[2:], (2, 4), 0.9),
        )
    ),
    "skewed": Pattern(variants=(joined([], _CLASHING, False), joined([], _FALLING, False))),
    "ratings": Pattern(
        variants=(
            joined([(0.1, 0.8, _BEER), (0.15, 1.0, _TASTER)], _RATING, True),
            joined([(0.05, 0.9, _BEER[:2]), (0.3, 0.7, _BEER[1:3])], (Field(5, 1, 1, 0.4), Field(0, 5, 25)), False),
        ),
        split=Split.HOLDOUT,
    ),
    "orders": Pattern(
        variants=(
            joined([(0.25, 0.2, _CUSTOMER), (0.06, 0.9, _PRODUCT)], _LINE, True),
            nested(_PLANTS, _READING, 0.4),
        ),
        split=Split.HOLDOUT,
    ),
    "contexts": Pattern(
        variants=(
            retrieved(0.2, 0.06, 4, (40, 160), (Field(0, 8, 40), Field(6, 20, 60), Field(0.4, 2, 6))),
            retrieved(0.6, 0.15, 3, (80, 250), (Field(0, 8, 40), Field(2, 40, 120))),
        ),
        split=Split.HOLDOUT,
    ),
    "census": Pattern(
        variants=(
            coded(30, (*_CODES, *_CODES[4:10]), 0.7, (_KEY,)),
            coded(5, _CODES[6:], 0.85, (_KEY, Field(0.2, 3, 9, 0.5))),
        ),
        split=Split.HOLDOUT,
    ),
    "tickets": Pattern(
        variants=(
            typed(25, (_KEY, Field(6, 1, 3, 0.7), Field(0.9, 10, 90)), _EVENT, (4, 8), 1.1),
            typed(4, (_KEY, Field(0.05, 20, 70, 0.9)), (*_EVENT[3:], *_EVENT[3:8]), (5, 9), 0.3),
        ),
        split=Split.HOLDOUT,
    ),
}
