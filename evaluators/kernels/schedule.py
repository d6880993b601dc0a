"""K2 and K3: where each row goes, by a stable counting sort, and which rows each program of a grouped product takes.

Nothing here waits for the device: grids have their worst-case size, and surplus programs return at once.
Letters: T tokens, E experts, K experts per token, R = T K rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import triton
import triton.language as tl
from torch import Tensor

from evaluators.kernels.launch import device_name, power_of_two
from evaluators.kernels.reference import Schedule
from evaluators.kernels.shapes import Stage
from evaluators.kernels.tiles import default_tiles

_LONGEST = 512  # entries of a chunk; with few experts more of them spill registers
_SCAN = 1024  # chunks that one step of the scan takes
_MAP = 64  # row tiles of one program of the tile map


@dataclass(frozen=True, slots=True)
class TileMap:
    """Which rows each row tile of a grouped product takes; tiles do not cross experts."""

    expert: Tensor  # (ceil(R / block_m) + E,) int32, -1 for a surplus tile
    row: Tensor  # (ceil(R / block_m) + E,) int32, its first row
    end: Tensor  # (ceil(R / block_m) + E,) int32, behind the last row of its expert
    used: Tensor  # (1,) int32, how many are no surplus; these come first
    block_m: int

    @property
    def num_tiles(self) -> int:
        """Tiles in the worst case, surplus ones included."""
        return int(self.expert.numel())


def schedule(idx: Tensor, num_experts: int) -> Schedule:
    """Where the rows of ``idx`` ``(T, K)`` int32 go; equal to `reference.schedule`, bit for bit.

    Every entry must lie in ``[0, num_experts)``: a check would have to wait for the device.
    """
    flat = idx.contiguous()
    rows, device = flat.numel(), flat.device
    tiles = default_tiles(device_name(device), Stage.SCHEDULE)
    experts = power_of_two(num_experts)
    chunk = min(_LONGEST, max(16, tiles.block_m // experts))
    chunks = triton.cdiv(rows, chunk)
    counts = torch.zeros(num_experts, dtype=torch.int32, device=device)
    starts = torch.empty((num_experts, chunks), dtype=torch.int32, device=device)
    offsets = torch.empty(num_experts + 1, dtype=torch.int32, device=device)
    order = torch.empty(rows, dtype=torch.int32, device=device)
    place = torch.empty(flat.shape, dtype=torch.int32, device=device)
    sizes = {"EXPERTS_P2": experts, "CHUNK_R": chunk, "num_warps": tiles.num_warps}
    count_kernel[(chunks,)](flat, counts, starts, rows, num_experts, chunks, **sizes)
    scan_kernel[(num_experts,)](counts, starts, offsets, num_experts, chunks, EXPERTS_P2=experts, BLOCK_C=_SCAN)
    place_kernel[(chunks,)](flat, starts, order, place, rows, num_experts, chunks, **sizes)
    return Schedule(counts=counts, offsets=offsets, order=order, place=place)


def tile_map(offsets: Tensor, num_rows: int, block_m: int) -> TileMap:
    """The row tiles of every expert, ``block_m`` rows each, in the order of experts.

    Args:
        offsets: ``(E + 1,)`` int32, where each expert's rows begin.
        num_rows: R; given, so that the number of tiles is known without asking the device.
        block_m: Rows of a tile.
    """
    num_experts = offsets.numel() - 1
    most = triton.cdiv(num_rows, block_m) + num_experts
    expert, row, end = (torch.empty(most, dtype=torch.int32, device=offsets.device) for _ in range(3))
    used = torch.empty(1, dtype=torch.int32, device=offsets.device)
    tile_map_kernel[(triton.cdiv(most, _MAP),)](
        offsets, expert, row, end, used, num_experts, most, block_m,
        EXPERTS_P2=power_of_two(num_experts), BLOCK_T=_MAP,
    )  # fmt: skip
    return TileMap(expert=expert, row=row, end=end, used=used, block_m=block_m)


@triton.jit
def count_kernel(
    idx: tl.tensor,
    counts: tl.tensor,
    starts: tl.tensor,
    rows: tl.tensor,
    num_experts: tl.tensor,
    num_chunks: tl.tensor,
    EXPERTS_P2: tl.constexpr,
    CHUNK_R: tl.constexpr,
) -> None:
    """Rows of each expert in one chunk of the flat index, and, added up, in all."""
    chunk = tl.program_id(0)
    experts = tl.arange(0, EXPERTS_P2)
    flat = chunk * CHUNK_R + tl.arange(0, CHUNK_R)
    chosen = tl.load(idx + flat, mask=flat < rows, other=-1)
    count = tl.sum((chosen[:, None] == experts[None, :]).to(tl.int32), axis=0)
    tl.store(starts + experts * num_chunks + chunk, count, mask=experts < num_experts)
    tl.atomic_add(counts + experts, count, mask=experts < num_experts)  # integers: any order gives the same sum


@triton.jit
def scan_kernel(
    counts: tl.tensor,
    starts: tl.tensor,
    offsets: tl.tensor,
    num_experts: tl.tensor,
    num_chunks: tl.tensor,
    EXPERTS_P2: tl.constexpr,
    BLOCK_C: tl.constexpr,
) -> None:
    """From the counts of one expert's chunks to the first row of each, in place."""
    expert = tl.program_id(0)
    experts = tl.arange(0, EXPERTS_P2)
    count = tl.load(counts + experts, mask=experts < num_experts, other=0)
    begin = tl.sum(tl.where(experts < expert, count, 0), axis=0)
    tl.store(offsets + expert, begin)
    tl.store(offsets + num_experts, begin + tl.load(counts + expert), mask=expert == num_experts - 1)
    for first in range(0, num_chunks, BLOCK_C):
        chunk = first + tl.arange(0, BLOCK_C)
        here = starts + expert * num_chunks + chunk
        size = tl.load(here, mask=chunk < num_chunks, other=0)
        tl.store(here, begin + tl.cumsum(size, axis=0) - size, mask=chunk < num_chunks)
        begin += tl.sum(size, axis=0)


@triton.jit
def place_kernel(
    idx: tl.tensor,
    starts: tl.tensor,
    order: tl.tensor,
    place: tl.tensor,
    rows: tl.tensor,
    num_experts: tl.tensor,
    num_chunks: tl.tensor,
    EXPERTS_P2: tl.constexpr,
    CHUNK_R: tl.constexpr,
) -> None:
    """The row of each entry of one chunk: the first row of its expert's chunk plus those of that expert before it."""
    chunk = tl.program_id(0)
    experts = tl.arange(0, EXPERTS_P2)
    flat = chunk * CHUNK_R + tl.arange(0, CHUNK_R)
    chosen = tl.load(idx + flat, mask=flat < rows, other=-1)
    hit = (chosen[:, None] == experts[None, :]).to(tl.int32)
    start = tl.load(starts + experts * num_chunks + chunk, mask=experts < num_experts, other=0)
    row = tl.sum(hit * (tl.cumsum(hit, axis=0) - 1 + start[None, :]), axis=1)
    tl.store(place + flat, row, mask=flat < rows)
    tl.store(order + row, flat, mask=flat < rows)


@triton.jit
def tile_map_kernel(
    offsets: tl.tensor,
    tile_expert: tl.tensor,
    tile_row: tl.tensor,
    tile_end: tl.tensor,
    num_used: tl.tensor,
    num_experts: tl.tensor,
    num_tiles: tl.tensor,
    block_m: tl.tensor,
    EXPERTS_P2: tl.constexpr,
    BLOCK_T: tl.constexpr,
) -> None:
    """Expert, first row and end of each row tile; the expert of a tile beyond the last expert's is -1."""
    experts = tl.arange(0, EXPERTS_P2)
    real = experts < num_experts
    begin = tl.load(offsets + experts, mask=real, other=0)
    size = tl.load(offsets + experts + 1, mask=real, other=0) - begin
    tiles = (size + block_m - 1) // block_m
    past = tl.cumsum(tiles, axis=0)  # tiles of this expert and of all before it
    tile = tl.program_id(0) * BLOCK_T + tl.arange(0, BLOCK_T)
    before = past[None, :] <= tile[:, None]
    expert = tl.sum(before.to(tl.int32), axis=1)
    used = expert < num_experts
    row = tl.load(offsets + expert, mask=used, other=0)
    end = tl.load(offsets + expert + 1, mask=used, other=0)
    row += (tile - tl.sum(tl.where(before, tiles[None, :], 0), axis=1)) * block_m
    tl.store(tile_expert + tile, tl.where(used, expert, -1), mask=tile < num_tiles)
    tl.store(tile_row + tile, row, mask=tile < num_tiles)
    tl.store(tile_end + tile, end, mask=tile < num_tiles)
    tl.store(num_used, tl.sum(tiles, axis=0), mask=tl.program_id(0) == 0)
