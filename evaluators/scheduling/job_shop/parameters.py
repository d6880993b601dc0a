"""What a user may set."""

from __future__ import annotations

from evaluators.parameter_specs import choice, file, integer, number
from evaluators.scheduling.job_shop.dispatcher import Builder
from evaluators.scheduling.job_shop.generate import Layout
from evaluators.scheduling.job_shop.scenario import Variant

MIXED = "mixed"
DEFAULT_SHAPE = 15  # jobs or machines, where the user set only the other
DEFAULT_SIGMA = 0.2

# What is not set is the suite's to choose, for each split its own values.
PARAMETERS = (
    integer("jobs", 0, 0, 200, f"jobs of a generated shop; 0: by scenario, or {DEFAULT_SHAPE} if machines are set"),
    integer("machines", 0, 0, 200, f"its machines; 0: by scenario, or {DEFAULT_SHAPE} if jobs are set"),
    choice("variant", MIXED, (MIXED, *Variant), "what is known and what holds a machine; mixed: all three in turns"),
    choice(
        "layout",
        MIXED,
        (MIXED, *Layout),
        "how generated shops are drawn; mixed: taillard in the search, others in the other splits",
    ),
    choice("builder", Builder.OPEN, tuple(Builder), "which jobs a program may take; open: those in its delay window"),
    number(
        "sigma", DEFAULT_SIGMA, 0.0, 1.0, "of the logarithm of true over expected duration, in the stochastic variant"
    ),
    file(
        "instances",
        "shops to work on instead of generated ones: JSON {name: {d, m, ub}} or OR-Library text; the "
        "report split plays all of them as they are, the others disjoint parts, renumbered and with jittered durations",
    ),
    number(
        "jitter", 0.1, 0.0, 0.9, "largest relative change of durations in shops of a file; none in the report split"
    ),
    number(
        "reference_s",
        0.0,
        0.0,
        3600.0,
        "CP-SAT seconds per shop for a reference line; needs OR-Tools (evenkeel[sim]); 0: none",
    ),
)
