"""Tiles: defaults by chip, and what a search found, for its own widths and the nearest load."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evaluators.kernels.shapes import LayerShape, Stage
from evaluators.kernels.tiles import (
    INTERPRETER,
    Backward,
    Tiles,
    TunedEntry,
    candidates,
    default_tiles,
    save_tuned,
    tiles_for,
    tuned_path,
)

SHAPE = LayerShape(tokens=16384, width=2048, experts=64, top_k=8, expert_width=1024)
STEPS = [*Stage, *Backward]


@pytest.mark.parametrize("step", STEPS)
def test_every_step_has_tiles_on_every_device(step: Stage | Backward) -> None:
    for device in ("NVIDIA H200", "NVIDIA GH200 480GB", "NVIDIA A10G", INTERPRETER):
        tiles = default_tiles(device, step)
        assert tiles.block_m > 0
        assert tiles.num_warps in (1, 2, 4, 8)


def test_hopper_gets_its_own_tiles_and_other_chips_get_small_ones() -> None:
    assert default_tiles("NVIDIA H200", Stage.DOWN).block_n == 256
    assert default_tiles("NVIDIA H100 80GB HBM3", Stage.DOWN) == default_tiles("NVIDIA GH200 480GB", Stage.DOWN)
    assert default_tiles("NVIDIA RTX A6000", Stage.DOWN).block_n == 64
    assert default_tiles("NVIDIA H200", Stage.DOWN, "float32").block_n == 64


@pytest.mark.parametrize("step", STEPS)
def test_a_search_starts_at_the_default_and_tries_nothing_twice(step: Stage | Backward) -> None:
    tried = candidates(step)
    assert tried[0] == default_tiles("NVIDIA H200", step)
    assert len(set(tried)) == len(tried)


def test_tuned_tiles_apply_to_their_widths_at_the_nearest_load(tmp_path: Path) -> None:
    many, few = (Tiles(block_m=m, block_n=128, block_k=64, num_warps=8, num_stages=3) for m in (256, 64))
    small = replace(SHAPE, tokens=256)
    entries = [
        TunedEntry(step=Stage.DOWN, shape=SHAPE, tiles=many, milliseconds=1.0),
        TunedEntry(step=Stage.DOWN, shape=small, tiles=few, milliseconds=0.1),
    ]
    path = save_tuned("NVIDIA H200", entries, tmp_path)
    assert path == tuned_path("NVIDIA H200", tmp_path)
    assert tiles_for("NVIDIA H200", Stage.DOWN, SHAPE, tmp_path) == many
    assert tiles_for("NVIDIA H200", Stage.DOWN, replace(SHAPE, tokens=300), tmp_path) == few
    assert tiles_for("NVIDIA H200", Stage.DOWN, replace(SHAPE, expert_width=1408), tmp_path).block_n == 256
    assert tiles_for("NVIDIA H200", Stage.GATE_UP, SHAPE, tmp_path) == default_tiles("NVIDIA H200", Stage.GATE_UP)
    assert tiles_for("NVIDIA H100", Stage.DOWN, SHAPE, tmp_path) == default_tiles("NVIDIA H100", Stage.DOWN)


def test_a_later_search_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    for block in (64, 256):
        tiles = Tiles(block_m=block, block_n=64, block_k=64)
        entry = TunedEntry(step=Backward.GRAD_DOWN, shape=SHAPE, tiles=tiles, milliseconds=1.0)
        save_tuned("NVIDIA H200", [entry], tmp_path)
        assert tiles_for("NVIDIA H200", Backward.GRAD_DOWN, SHAPE, tmp_path) == tiles
