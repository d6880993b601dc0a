"""What stands outside the markers of an initial program stays in all its children, and must stay true there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from evolve.blocks import find_blocks

SEEDS = Path(__file__).parents[2] / "seeds"
TASKS = (
    "broadcast", "llm_serving", "model_packing", "moe_loss", "pipeline_layout", "pipeline_schedule", "table_reorder",
    "task_graph", "tier_cache",
)  # fmt: skip


@pytest.mark.parametrize("task", TASKS)
def test_the_docstring_speaks_of_the_code_around_the_markers_and_names_its_door(task: str) -> None:
    source = (SEEDS / task / "initial.py").read_text(encoding="utf-8")
    words = " ".join((ast.get_docstring(ast.parse(source)) or "").split())
    assert words.startswith("Around the EVOLVE-BLOCK: ")
    assert not re.search(r"\bconstants? below\b", words)
    (door,) = re.findall(r"`[A-Za-z]+` that (?:calls|asks) `(\w+)`", words)
    (block,) = find_blocks(source)
    inside, outside = source[block.start : block.end], source[: block.start] + source[block.end :]
    assert f"{door}(" in inside
    assert re.search(rf"^(?:def|class) {door}\b", outside, re.MULTILINE)
