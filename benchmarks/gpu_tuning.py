"""Which tiles are fastest on this GPU: compiled ahead, checked, timed in turns. Imported in the worker only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import torch
from torch import Tensor
from triton.errors import TritonError

from benchmarks.gpu_book import Book
from benchmarks.gpu_kernels import LOST, is_lost
from benchmarks.gpu_layers import SEED, loads
from benchmarks.gpu_pool import in_processes
from benchmarks.gpu_scale import Scale
from evaluators.kernels import stages, tiles
from evaluators.kernels.cases import Popularity
from evaluators.kernels.launch import device_name
from evaluators.kernels.reference import Routing
from evaluators.kernels.shapes import LayerShape, Stage
from evaluators.kernels.tiles import Backward, Step, Tiles, TunedEntry
from evaluators.kernels.workbench import timer_on

COMPILE_TOKENS = 1024  # the same divisibility by 16 as the real batch, so the compiled kernels are the same
MOST_DIFFERENCE = 2e-2  # of a tuned kernel's result from the default tiles', as a norm
TUNING = "tune "  # what the names of tuning items begin with
COMPILING = "compile ahead"  # the item's name


def compile_ahead(scale: Scale) -> dict[str, Any]:
    """Compile every kernel that tuning will try, many at a time; what cannot run here, with the reason."""
    tasks = list(dict.fromkeys(to_compile(scale)))
    tasks = tasks[:2] if scale.dry else tasks
    reasons = in_processes(scale.compilers, _try_once, tasks, scale.trial_s)
    named = [(name_of(scale, step, shape, t), why) for (_, shape, step, t), why in zip(tasks, reasons, strict=True)]
    return {"compiled": len(tasks), "refused": {name: why for name, why in named if why}}


def to_compile(scale: Scale) -> Iterator[tuple[str, LayerShape, Step, Tiles]]:
    """The products first, which take longest."""
    for step in reversed(steps()):
        for name in scale.shapes:
            for size in tuned_shapes(scale, name, step):
                for tried in candidates(scale, step, size):
                    yield scale.device_type, _short(scale, step, size), step, tried


def _short(scale: Scale, step: Step, size: LayerShape) -> LayerShape:
    """A shape that needs the same compiled kernels, and less time to try them."""
    short = replace(size, tokens=min(COMPILE_TOKENS, size.tokens))
    if step in (Stage.ROUTER, Stage.PERMUTE, Stage.COMBINE):  # the same for experts of any width
        return replace(short, expert_width=min(one.expert_width for one in scale.shapes.values()))
    return short


def name_of(scale: Scale, step: Step, size: LayerShape, tried: Tiles) -> str:
    """What tiles that were tried ahead go by."""
    short = _short(scale, step, size)
    return f"{step} {short.expert_width} {short.tokens} {tried}"


def tune(scale: Scale, shape: str, step_name: str) -> dict[str, Any]:
    """Time the candidates of a step in turns; the fastest whose result agrees with the default's is kept."""
    step = next(step for step in steps() if step == step_name)
    device = torch.device(scale.device_type)
    ahead = Book(scale.book_path, dry=scale.dry).results().get(COMPILING, {}).get("refused", {})
    known = {name: why for name, why in ahead.items() if why != LOST}
    found = [_tune_at(scale, size, step, device, known) for size in tuned_shapes(scale, shape, step)]
    return {"entries": found}


def keep_tuned(scale: Scale) -> dict[str, Any]:
    """Write all tiles found so far where the kernels look for them, and beside the results; in a dry run only there."""
    book = Book(scale.book_path, dry=scale.dry)
    found = [part for name, result in book.results().items() if name.startswith(TUNING) for part in result["entries"]]
    kept = [tuned_entry(part["entry"]) for part in found]
    name = device_name(torch.device(scale.device_type))
    if not scale.dry:
        tiles.save_tuned(name, kept)
    return {"entries": len(kept), "file": tiles.save_tuned(name, kept, scale.out).name}


def _tune_at(
    scale: Scale, shape: LayerShape, step: Step, device: torch.device, known: Mapping[str, str]
) -> dict[str, Any]:
    """One step at one shape; what is `known` to be refused is not tried again: it may hang.

    Raises:
        RuntimeError: The default tiles are among that.
    """
    default, *others = candidates(scale, step, shape)
    if reason := known.get(name_of(scale, step, shape, default)):
        raise RuntimeError(f"{step} with its default tiles: {reason}")
    inputs = stages.layer_inputs(shape, device, SEED, loads(shape, Popularity.EVEN))
    expected = _result(stages.launch(step, inputs, default)())
    refused, launches = {}, {default: stages.launch(step, inputs, default)}
    for tried in others:
        if reason := known.get(name_of(scale, step, shape, tried)):
            refused[str(tried)] = reason
            continue
        launch = stages.launch(step, inputs, tried)
        try:
            difference = _difference(_result(launch()), expected)
        except (TritonError, RuntimeError) as error:  # too much shared memory, say: no fault of the others
            if is_lost(device):  # then none of the others can be timed in this process
                error.add_note(f"{step} with {tried}")
                raise
            refused[str(tried)] = f"{type(error).__name__}: {error}"[:300]
            continue
        if difference <= MOST_DIFFERENCE:
            launches[tried] = launch
        else:
            refused[str(tried)] = f"its result differs from the default tiles' by {difference:.3g}"
    timings = timer_on(device, scale.effort).compare({str(t): launch for t, launch in launches.items()}).timings
    best = min(launches, key=lambda t: timings[str(t)].median_us)
    entry = TunedEntry(step=step, shape=shape, tiles=best, milliseconds=1e-3 * timings[str(best)].median_us)
    return {
        "entry": asdict(entry),
        "default_us": timings[str(default)].median_us,
        "best_us": timings[str(best)].median_us,
        "timings": {name: timing.median_us for name, timing in timings.items()},
        "steady": timings[str(best)].steady,
        "refused": refused,
    }


def tuned_shapes(scale: Scale, shape: str, step: Step) -> list[LayerShape]:
    """The shapes that a step is tuned at: products also with few rows per expert."""
    large = scale.shapes[shape]
    few = replace(large, tokens=scale.few_rows_tokens)
    return [large, few] if step in (Stage.GATE_UP, Stage.DOWN) else [large]


def steps() -> list[Step]:
    """What has tiles to choose."""
    return [step for step in (*Stage, *Backward) if step is not Stage.SCHEDULE]


def candidates(scale: Scale, step: Step, shape: LayerShape) -> Sequence[Tiles]:
    """What is tried; in a dry run the interpreter's own and a narrower one."""
    if not scale.dry:
        return tiles.candidates(step, few_rows=shape.tokens <= scale.few_rows_tokens)
    default = tiles.default_tiles(tiles.INTERPRETER, step)
    return [default, replace(default, block_n=16)] if default.block_n else [default]


def tuned_entry(raw: Mapping[str, Any]) -> TunedEntry:
    """An entry from its JSON."""
    step = next(step for step in steps() if step == raw["step"])
    return TunedEntry(
        step=step, shape=LayerShape(**raw["shape"]), tiles=Tiles(**raw["tiles"]), milliseconds=raw["milliseconds"]
    )


def _try_once(device_type: str, shape: LayerShape, step: Step, tried: Tiles) -> str:
    """Run a step once; empty, or why it cannot."""
    device = torch.device(device_type)
    if is_lost(device):
        return LOST
    try:
        stages.launch(step, stages.layer_inputs(shape, device), tried)()
        if device.type == "cuda":
            torch.cuda.synchronize()
    except (TritonError, RuntimeError) as error:
        return f"{type(error).__name__}: {error}"[:300]
    return ""


def _result(made: object) -> Tensor:
    """What a step computed, as one tensor."""
    if isinstance(made, Routing):
        return made.gates
    assert isinstance(made, Tensor)
    return made


def _difference(found: Tensor, expected: Tensor) -> float:
    """Relative, as a norm; not a number if the result is none."""
    wide = expected.double()
    return float((found.double() - wide).norm() / wide.norm().clamp_min(1e-30))
