"""What every grouped product's device code begins and ends with: which tile it is, and what is written of it."""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def tile_of(
    program: tl.tensor, num_m: tl.tensor, num_n: tl.tensor, GROUP_M: tl.constexpr
) -> tuple[tl.tensor, tl.tensor]:
    """Row and column tile of a program: groups of `GROUP_M` row tiles, each over all column tiles, rows fastest."""
    in_group = GROUP_M * num_n
    first_m = program // in_group * GROUP_M
    height = tl.minimum(num_m - first_m, GROUP_M)
    return first_m + program % in_group % height, program % in_group // height


@triton.jit
def gathered_rows(
    order: tl.tensor, row: tl.tensor, end: tl.tensor, top_k: tl.tensor, gathered: tl.constexpr
) -> tl.tensor:
    """Where each row is read, as int64: at its token where `gathered`; past the end at the last row."""
    source = tl.minimum(row, end - 1)
    if gathered:
        source = tl.load(order + source) // top_k
    return source.to(tl.int64)


@triton.jit
def write_activated(
    gate: tl.tensor,
    up: tl.tensor,
    row: tl.tensor,
    column: tl.tensor,
    end: tl.tensor,
    hidden: tl.tensor,
    before: tl.tensor,
    expert_width: tl.constexpr,
    keep_before: tl.constexpr,
) -> None:
    """SwiGLU of both products, and the products themselves where the backward pass wants them."""
    written = (row < end)[:, None] & (column < expert_width)[None, :]
    wide_row = row.to(tl.int64)[:, None]
    if keep_before:
        both_at = before + wide_row * (2 * expert_width) + column[None, :]
        tl.store(both_at, gate.to(before.dtype.element_ty), mask=written)
        tl.store(both_at + expert_width, up.to(before.dtype.element_ty), mask=written)
    activated = gate / (1.0 + tl.exp(-gate)) * up
    out_at = hidden + wide_row * expert_width + column[None, :]
    tl.store(out_at, activated.to(hidden.dtype.element_ty), mask=written)


@triton.jit
def write_scaled(
    total: tl.tensor,
    row: tl.tensor,
    column: tl.tensor,
    end: tl.tensor,
    row_gates: tl.tensor,
    out: tl.tensor,
    outer: tl.constexpr,
    scaled: tl.constexpr,
) -> None:
    """The product, each row times its gate where `scaled`."""
    is_row = row < end
    if scaled:
        total *= tl.load(row_gates + row, mask=is_row, other=0.0)[:, None]
    out_at = out + row.to(tl.int64)[:, None] * outer + column[None, :]
    tl.store(out_at, total.to(out.dtype.element_ty), mask=is_row[:, None] & (column < outer)[None, :])


@triton.jit
def write_gradient(
    total: tl.tensor,
    expert: tl.tensor,
    m: tl.tensor,
    n: tl.tensor,
    out: tl.tensor,
    height: tl.constexpr,
    width: tl.constexpr,
) -> None:
    """One tile of one expert's matrix."""
    out_at = out + expert.to(tl.int64) * (height * width) + m[:, None] * width + n[None, :]
    tl.store(out_at, total.to(out.dtype.element_ty), mask=(m < height)[:, None] & (n < width)[None, :])
