"""Which tiles are tuned: what could not run ahead is not tried again."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("triton", reason="tuning runs Triton kernels", exc_type=ImportError)

from benchmarks import gpu_tuning
from benchmarks.gpu_book import Book
from benchmarks.gpu_kernels import LOST
from benchmarks.gpu_scale import Scale, dry_scale, full_scale
from evaluators.kernels.shapes import Stage

HANGS = "hangs: nothing came within 45 s"


def tuned_after(scale: Scale, place: int, why: str) -> dict[str, str]:
    """What is refused of the tiles of the permutation, after this came of those at a place."""
    size = scale.shapes["ff1024"]
    tried = gpu_tuning.candidates(scale, Stage.PERMUTE, size)[place]
    name = gpu_tuning.name_of(scale, Stage.PERMUTE, size, tried)
    Book(scale.book_path, dry=True).ended(gpu_tuning.COMPILING, 1.0, result={"refused": {name: why}})
    (entry,) = gpu_tuning.tune(scale, "ff1024", "permute")["entries"]
    assert (str(tried) in entry["timings"]) != (str(tried) in entry["refused"])
    return dict(entry["refused"])


def test_tiles_that_hung_are_not_tried_again(tmp_path: Path) -> None:
    assert list(tuned_after(dry_scale(tmp_path), 1, HANGS).values()) == [HANGS]


def test_tiles_that_nobody_came_to_are_tried(tmp_path: Path) -> None:
    assert not tuned_after(dry_scale(tmp_path), 1, LOST)


def test_a_step_whose_default_hung_fails_at_once(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="permute with its default tiles: hangs"):
        tuned_after(dry_scale(tmp_path), 0, HANGS)


def test_whatever_is_tuned_was_tried_ahead_by_its_name(tmp_path: Path) -> None:
    scale = full_scale(tmp_path, 16)
    ahead = {gpu_tuning.name_of(scale, step, size, tried) for _, size, step, tried in gpu_tuning.to_compile(scale)}
    for shape in scale.shapes:
        for step in gpu_tuning.steps():
            for size in gpu_tuning.tuned_shapes(scale, shape, step):
                for tried in gpu_tuning.candidates(scale, step, size):
                    assert gpu_tuning.name_of(scale, step, size, tried) in ahead
