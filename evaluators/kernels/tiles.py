"""Block sizes of each kernel: measured for this device and shape where that was done, else a default.

Standard library only.
`tuned/<device>.json` holds what a search on that device found; no file means that nobody searched there.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import MappingProxyType

from evaluators.kernels.shapes import BYTES_OF, LayerShape, Stage

TUNED_FOLDER = Path(__file__).with_name("tuned")
INTERPRETER = "interpreter"  # the device name of Triton's interpreter on a CPU


class Backward(StrEnum):
    """A matrix product of the backward pass; the rest of it is elementwise."""

    GRAD_HIDDEN = "grad_hidden"  # (R, D) times each expert's w_down transposed: (R, F)
    GRAD_ROWS = "grad_rows"  # (R, 2 F) times w_gate_up transposed: (R, D)
    GRAD_GATE_UP = "grad_gate_up"  # rows transposed times gradients, per expert: (E, D, 2 F)
    GRAD_DOWN = "grad_down"  # (E, F, D)


Step = Stage | Backward


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiles:
    """What one program of a kernel works on, and with how much of the chip."""

    block_m: int  # rows (tokens) of a program
    block_n: int  # columns of a program; in `gate_up` of each of its two products
    block_k: int = 0  # step of the inner dimension; 0 where a kernel has none
    num_warps: int = 4
    num_stages: int = 1  # loads in flight, as copies of a step's operands in shared memory
    group_m: int = 16  # row tiles whose column tiles run side by side, so that they meet in the L2 cache
    tma: bool = False  # operands through Hopper's copy engine where the shape allows it


@dataclass(frozen=True, slots=True, kw_only=True)
class TunedEntry:
    """The best tiles that a search found for one step at one shape."""

    step: Step
    shape: LayerShape
    tiles: Tiles
    milliseconds: float  # median at these tiles


def _product(block_m: int, block_n: int, block_k: int, num_warps: int, num_stages: int, tma: bool = False) -> Tiles:
    return Tiles(block_m=block_m, block_n=block_n, block_k=block_k, num_warps=num_warps, num_stages=num_stages, tma=tma)


# Hopper: two warp groups share an accumulator of 128 x 256 (128 registers a thread), and four stages of 48 KB fill
# the 227 KB of shared memory. The memory-bound kernels move whole rows of 4 KB, so that each thread has several
# 16-byte loads in flight.
_WIDE = _product(128, 256, 64, 8, 4)
_HOPPER: Mapping[Step, Tiles] = MappingProxyType(
    {
        Stage.ROUTER: _product(64, 0, 64, 4, 4),
        Stage.SCHEDULE: Tiles(block_m=16384, block_n=0, num_warps=4),
        Stage.PERMUTE: Tiles(block_m=1, block_n=2048, num_warps=4),
        Stage.GATE_UP: _product(128, 128, 64, 8, 4),
        Stage.DOWN: _WIDE,
        Stage.COMBINE: Tiles(block_m=1, block_n=2048, num_warps=4),
        Backward.GRAD_HIDDEN: _WIDE,
        Backward.GRAD_ROWS: _WIDE,
        Backward.GRAD_GATE_UP: _WIDE,
        Backward.GRAD_DOWN: _WIDE,
    }
)
# What else a search tries, for a product and, under True, for `gate_up`, which has two accumulators. Those of 4 warps
# and 96 KB let two programs share a multiprocessor, so that one computes while the other writes. Tiles of 256 rows
# waste no columns at widths that are no multiple of 256, such as 1408, but more rows.
_PRODUCTS: Mapping[bool, Sequence[Tiles]] = MappingProxyType(
    {
        False: (_product(128, 256, 64, 8, 4, True), _product(256, 128, 64, 8, 4, True), _product(128, 128, 64, 4, 3)),
        True: (_product(128, 128, 64, 8, 4, True), _product(128, 64, 64, 4, 3, True), _product(128, 64, 64, 4, 3)),
    }
)
_SMALL: Mapping[Step, Tiles] = MappingProxyType(
    {step: _product(64, 64, 32, 4, 3) if tiles.block_k else tiles for step, tiles in _HOPPER.items()}
    | {Stage.ROUTER: _product(32, 0, 32, 4, 3), Stage.GATE_UP: _product(64, 32, 32, 4, 3)}
)
# Few large programs: the interpreter's cost is by the program, not by the element.
_INTERPRETED: Mapping[Step, Tiles] = MappingProxyType(
    {step: _product(32, 32, 32, 1, 1) for step in _HOPPER}
    | {
        Stage.SCHEDULE: Tiles(block_m=1024, block_n=0),
        Stage.PERMUTE: Tiles(block_m=16, block_n=64),
        Stage.COMBINE: Tiles(block_m=16, block_n=64),
    }
)


def tiles_for(device_name: str, step: Step, shape: LayerShape, folder: Path = TUNED_FOLDER) -> Tiles:
    """The tiles to run `step` with: of the tuned entry nearest in rows per expert, else the default.

    An entry applies to its own widths and dtype only; rows per expert, which change from step to step, are compared
    on a logarithmic scale.
    """
    fitting = [
        entry
        for entry in tuned_entries(device_name, folder)
        if entry.step is step and _widths(entry.shape) == _widths(shape) and entry.shape.rows
    ]
    if fitting:
        nearest = min(fitting, key=lambda entry: abs(math.log(_rows_per_expert(entry.shape) / _rows_per_expert(shape))))
        return nearest.tiles
    return default_tiles(device_name, step, shape.dtype)


def default_tiles(device_name: str, step: Step, dtype: str = "bfloat16") -> Tiles:
    """Tiles chosen from what the chip and the numbers are, not measured.

    Products of float32 run on the ordinary units, with twice the shared memory: they get small tiles everywhere.
    """
    if device_name == INTERPRETER:
        return _INTERPRETED[step]
    hopper = re.search(r"\bG?H(20|100|200|800)\b", device_name) and BYTES_OF[dtype] == 2
    return (_HOPPER if hopper else _SMALL)[step]


def candidates(step: Step, few_rows: bool = False) -> Sequence[Tiles]:
    """What a search on a Hopper GPU tries for `step`, its default first; few, for each is compiled, checked and timed.

    With `few_rows` an expert has no more than a tile of 64.
    """
    default = _HOPPER[step]
    grid: Sequence[Tiles] = ()
    if step is Stage.ROUTER:
        grid = [_product(32, 0, 128, 4, 3), _product(64, 0, 128, 4, 3)]
    elif step in (Stage.PERMUTE, Stage.COMBINE):
        grid = [
            Tiles(block_m=m, block_n=n, num_warps=warps) for m, n, warps in ((1, 1024, 4), (1, 2048, 8), (2, 2048, 8))
        ]
    elif step is not Stage.SCHEDULE:
        grid = [_product(64, 128, 64, 4, 4)] if few_rows else _PRODUCTS[step is Stage.GATE_UP]
    return [default, *(tiles for tiles in grid if tiles != default)]


def tuned_path(device_name: str, folder: Path = TUNED_FOLDER) -> Path:
    """Where the tuned tiles of a device are kept."""
    slug = re.sub(r"[^a-z0-9]+", "_", device_name.lower()).strip("_")
    return folder / f"{slug}.json"


@cache
def tuned_entries(device_name: str, folder: Path = TUNED_FOLDER) -> tuple[TunedEntry, ...]:
    """What was found for this device; empty where nobody searched."""
    path = tuned_path(device_name, folder)
    if not path.is_file():
        return ()
    return tuple(_entry(raw) for raw in json.loads(path.read_text(encoding="utf-8"))["entries"])


def save_tuned(device_name: str, entries: Sequence[TunedEntry], folder: Path = TUNED_FOLDER) -> Path:
    """Write what a search found, in place of what was there."""
    path = tuned_path(device_name, folder)
    folder.mkdir(parents=True, exist_ok=True)
    content = {"device": device_name, "entries": [asdict(entry) for entry in entries]}
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    tuned_entries.cache_clear()
    return path


def _entry(raw: Mapping[str, object]) -> TunedEntry:
    step, shape, tiles, milliseconds = raw["step"], raw["shape"], raw["tiles"], raw["milliseconds"]
    if not (isinstance(shape, dict) and isinstance(tiles, dict) and isinstance(milliseconds, float)):
        raise ValueError(f"an entry of tuned tiles needs an object shape, an object tiles and a number, got {raw!r}")
    known = Stage if step in set(Stage) else Backward
    return TunedEntry(step=known(str(step)), shape=LayerShape(**shape), tiles=Tiles(**tiles), milliseconds=milliseconds)


def _widths(shape: LayerShape) -> tuple[int, int, str]:
    return shape.width, shape.expert_width, shape.dtype


def _rows_per_expert(shape: LayerShape) -> float:
    return max(1, shape.rows) / shape.experts
