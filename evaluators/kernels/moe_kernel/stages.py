"""The buffers of each stage that a program can be asked for. Standard library only.

Letters: T tokens, D width, E experts, K experts per token, R = T K rows, F expert width.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from evaluators.kernels.shapes import LayerShape, Stage

DTYPE = "dtype"  # stands for the shape's own
BYTES_OF = {"float32": 4, "float16": 2, "bfloat16": 2, "int32": 4}
# Of the norm of the difference over the norm of the expected. Rounding to nearest errs by 0.0017 in bfloat16 and by an
# eighth of that in float16; sums of thousands of terms in float32 err by some 1e-6.
MOST_ERROR = {"float32": 1e-5, "float16": 3.2e-4, "bfloat16": 2.5e-3}


class Load(StrEnum):
    """How the tokens spread over the experts."""

    EVEN = "even"  # every expert equally popular, counts as random draws give them
    SKEWED = "skewed"  # popularity falls as one over the rank
    HOT = "hot"  # one expert takes almost every token
    SPARSE = "sparse"  # a quarter of the experts, where K leaves so many, has no token


@dataclass(frozen=True, slots=True, kw_only=True)
class Buffer:
    """A dense array in row-major order, 256-byte aligned."""

    name: str
    size: tuple[int, ...]
    dtype: str  # a key of `BYTES_OF`


@dataclass(frozen=True, slots=True)
class Form:
    """A buffer before the sizes are known: each extent is a product of letters and small numbers."""

    name: str
    extents: tuple[str, ...]  # such as "T", "2F", "E+1"
    dtype: str
    meaning: str


@dataclass(frozen=True, slots=True)
class StageForm:
    """What a stage is given, what it must write, and how."""

    stage: Stage
    inputs: tuple[Form, ...]
    outputs: tuple[Form, ...]
    formula: str


_X = Form("x", ("T", "D"), DTYPE, "tokens")
_ORDER = Form("order", ("R",), "int32", "the flat place t*K + k of each row; rows are sorted by expert")
_OFFSETS = Form("offsets", ("E+1",), "int32", "where each expert's rows begin; experts may have none")
_ROWS = Form("rows", ("R", "D"), DTYPE, "one row for each token and expert of it")

FORMS: Mapping[Stage, StageForm] = {
    form.stage: form
    for form in (
        StageForm(
            Stage.COMBINE,
            (_ROWS, Form("place", ("T", "K"), "int32", "the rows of each token, all different")),
            (Form("out", ("T", "D"), DTYPE, "their sums"),),
            "out[t] = sum over k of rows[place[t, k]], added in float32",
        ),
        StageForm(
            Stage.PERMUTE, (_X, _ORDER), (_ROWS,), "rows[r] = x[order[r] // K], bit for bit"
        ),
        StageForm(
            Stage.ROUTER,
            (
                _X,
                Form("weight", ("E", "D"), DTYPE, "of the router"),
                Form("bias", ("E",), "float32", "added to the scores for the choice alone"),
            ),
            (
                Form("idx", ("T", "K"), "int32", "the K experts with the largest biased score, best first"),
                Form("gates", ("T", "K"), "float32", "their unbiased scores, divided by the token's sum of them"),
            ),
            "score[t] = softmax over e of x[t] . weight[e], in float32; of equal ones the lower expert comes first",
        ),
        StageForm(
            Stage.GATE_UP,
            (_X, _ORDER, Form("w_gate_up", ("E", "D", "2F"), DTYPE, "gate's columns, then the other's"), _OFFSETS),
            (Form("hidden", ("R", "F"), DTYPE, "one row for each token and expert of it"),),
            "for r from offsets[e] to offsets[e+1]: both = x[order[r] // K] @ w_gate_up[e], in float32; "
            "hidden[r] = silu(both[:F]) * both[F:]",
        ),
        StageForm(
            Stage.DOWN,
            (
                Form("hidden", ("R", "F"), DTYPE, "rows sorted by expert"),
                Form("w_down", ("E", "F", "D"), DTYPE, "the experts' second matrices"),
                _OFFSETS,
                Form("row_gates", ("R",), "float32", "of each row"),
            ),
            (_ROWS,),
            "for r from offsets[e] to offsets[e+1]: rows[r] = row_gates[r] * (hidden[r] @ w_down[e]), in float32",
        ),
    )
}  # fmt: skip
STAGES = tuple(FORMS)


def inputs(stage: Stage, shape: LayerShape) -> tuple[Buffer, ...]:
    """What the kernels of `stage` read."""
    return tuple(_buffer(form, shape) for form in FORMS[stage].inputs)


def outputs(stage: Stage, shape: LayerShape) -> tuple[Buffer, ...]:
    """What they must write."""
    return tuple(_buffer(form, shape) for form in FORMS[stage].outputs)


def dtypes(stage: Stage, shape: LayerShape) -> dict[str, str]:
    """The dtype of each buffer of `stage`, by name."""
    return {buffer.name: buffer.dtype for buffer in (*inputs(stage, shape), *outputs(stage, shape))}


def _buffer(form: Form, shape: LayerShape) -> Buffer:
    dtype = shape.dtype if form.dtype == DTYPE else form.dtype
    return Buffer(name=form.name, size=tuple(_extent(word, shape) for word in form.extents), dtype=dtype)


def _extent(word: str, shape: LayerShape) -> int:
    return {
        "T": shape.tokens,
        "D": shape.width,
        "E": shape.experts,
        "E+1": shape.experts + 1,
        "K": shape.top_k,
        "F": shape.expert_width,
        "2F": 2 * shape.expert_width,
        "R": shape.rows,
    }[word]
