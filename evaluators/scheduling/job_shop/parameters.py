"""What a user may set."""

from __future__ import annotations

from evaluators.contract import Parameter, ParameterKind
from evaluators.scheduling.job_shop.dispatcher import Builder
from evaluators.scheduling.job_shop.generate import Layout
from evaluators.scheduling.job_shop.scenario import Variant

MIXED = "mixed"
DEFAULT_SHAPE = 15  # jobs or machines, where the user set only the other
DEFAULT_SIGMA = 0.2


def _choice(name: str, default: str, choices: tuple[str, ...], description: str) -> Parameter:
    return Parameter(name=name, kind=ParameterKind.CHOICE, default=default, choices=choices, description=description)


def _number(name: str, default: float, maximum: float, description: str) -> Parameter:
    return Parameter(
        name=name, kind=ParameterKind.NUMBER, default=default, minimum=0.0, maximum=maximum, description=description
    )


def _size(name: str, description: str) -> Parameter:
    return Parameter(name=name, kind=ParameterKind.INTEGER, default=0, minimum=0, maximum=200, description=description)


# What is not set is the suite's to choose: some values in search and validation, others in the hold-out.
PARAMETERS = (
    _size("jobs", f"jobs of a generated shop; 0: by scenario, or {DEFAULT_SHAPE} if machines are set"),
    _size("machines", f"its machines; 0: by scenario, or {DEFAULT_SHAPE} if jobs are set"),
    _choice("variant", MIXED, (MIXED, *Variant), "what is known and what holds a machine; mixed: all three in turns"),
    _choice(
        "layout", MIXED, (MIXED, *Layout), "how generated shops are drawn; mixed: taillard, or others in the hold-out"
    ),
    _choice("builder", Builder.OPEN, tuple(Builder), "which jobs a program may take; open: those in its delay window"),
    _number("sigma", DEFAULT_SIGMA, 1.0, "of the logarithm of true over expected duration, in the stochastic variant"),
    Parameter(
        name="instances",
        kind=ParameterKind.FILE,
        default="",
        description="shops to work on instead of generated ones: JSON {name: {d, m, ub}} or OR-Library text; the "
        "report split plays all of them as they are, the others disjoint parts, renumbered and with jittered durations",
    ),
    _number("jitter", 0.1, 0.9, "largest relative change of durations in shops of a file; none in the report split"),
    _number(
        "reference_s",
        0.0,
        3600.0,
        "CP-SAT seconds per shop for a reference line; needs OR-Tools (evenkeel[sim]); 0: none",
    ),
)
