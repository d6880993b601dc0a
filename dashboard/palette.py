"""Colours that stay apart for colour-blind eyes and on light and dark ground.

Source: Okabe and Ito, Color Universal Design, 2008 (jfly.uni-koeln.de/color), without black and yellow, which one of
the two grounds swallows.
"""

from __future__ import annotations

BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00"
GREY = "#8A8F98"  # 3:1 against white and against Streamlit's dark ground
CATEGORIES = (SKY, ORANGE, GREEN, PURPLE, VERMILION, BLUE, "#B0A36B", GREY)

OUTCOME_COLOURS = {
    "scored": GREEN,
    "stopped": SKY,
    "twin": "#9A86D6",
    "rejected": GREY,
    "invalid": ORANGE,
    "crashed": VERMILION,
    "timed_out": PURPLE,
    "out_of_memory": BLUE,
    "tampered": "#B0A36B",
    "infrastructure": "#A0785A",
    "unknown": "#C9CDD3",
}
OTHER_OUTCOME = "#6B7280"  # one that this page has no name for
