"""What the code around the EVOLVE-BLOCKs needs of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluators.contract import Task
from evaluators.kernels.moe_kernel.stages import STAGES
from evaluators.registry import BUILT_IN, problem
from evaluators.seed_files import seed_files
from evolve.blocks import find_blocks
from evolve.interface import missing_names, names_needed, overridden_names, shortcoming
from evolve.parsing.examine import examine

TOY = problem("toy").task
SEEDS = Path(__file__).parents[2] / "seeds"
PROGRAM = """\
import math
from os import path

LIMIT = 3
# EVOLVE-BLOCK-START
PRIOR = 0.5


def weight(age):
    return PRIOR**age


# EVOLVE-BLOCK-END


class Policy:
    kind = "a"

    def guess(self, hints, own=LIMIT):
        local = [weight(age) for age in range(own)]
        return self.kind, math.fsum(local), PRIOR, path, print


def guess(hints):
    return Policy().guess(hints)
"""


def test_only_names_that_are_bound_nowhere_outside_are_needed() -> None:
    assert names_needed(TOY, PROGRAM) == ("PRIOR", "weight")


def test_a_program_that_drops_one_is_told_which() -> None:
    assert missing_names(TOY, PROGRAM, examine(PROGRAM)) == ""
    dropped = PROGRAM.replace("PRIOR = 0.5\n", "").replace("PRIOR**age", "0.5**age")
    assert missing_names(TOY, dropped, examine(dropped)) == (
        "the code outside the EVOLVE-BLOCK markers uses `PRIOR`, which the program no longer defines"
    )
    assert shortcoming(TOY, dropped, examine(dropped)).startswith("the code outside")
    both = dropped.replace("def weight", "def weigh")
    assert "uses `PRIOR` and `weight`, which" in missing_names(TOY, both, examine(both))


def test_a_program_that_calls_none_of_the_code_outside_owes_it_nothing() -> None:
    hooked = """\
# EVOLVE-BLOCK-START
WEIGHT = 0.5


def guess(hints):
    return searched(hints)


# EVOLVE-BLOCK-END


def searched(hints):
    return pulled(hints) * WEIGHT


def pulled(hints):
    return pull(hints)
"""
    assert names_needed(TOY, hooked) == ("WEIGHT", "pull")
    own = hooked.replace("WEIGHT = 0.5\n", "").replace("return searched(hints)", "return hints[0]")
    assert names_needed(TOY, own) == ()
    assert shortcoming(TOY, own, examine(own)) == ""
    told = own.replace("hints[0]", "hints[0]  # not searched\n    'nor pulled'")
    assert names_needed(TOY, told) == ()
    half = own.replace("hints[0]", "pulled(hints)")
    assert names_needed(TOY, half) == ("pull",)


def test_a_name_that_the_code_below_defines_again_is_told() -> None:
    program = "def above():\n    return 0\n\n\n# EVOLVE-BLOCK-START\ndef above():\n    return 1\n\n\n"
    program += (
        "def guess(hints):\n    return pulled(hints) + above()\n# EVOLVE-BLOCK-END\ndef pulled(hints):\n    return 0\n"
    )
    assert shortcoming(TOY, program, examine(program)) == ""
    twice = program.replace("# EVOLVE-BLOCK-END", "def pulled(hints):\n    return 2\n# EVOLVE-BLOCK-END")
    assert shortcoming(TOY, twice, examine(twice)) == (
        "the code below the EVOLVE-BLOCK markers defines `pulled` again, and that counts: choose another name"
    )


def test_what_may_be_defined_unseen_is_not_missed() -> None:
    unseen = PROGRAM.replace("PRIOR = 0.5\n", "globals()['PRIOR'] = 0.5\n")
    assert missing_names(TOY, unseen, examine(unseen)) == ""


@pytest.mark.parametrize(
    "source",
    [
        "def guess(hints):\n    # EVOLVE-BLOCK-START\n    return missing\n    # EVOLVE-BLOCK-END\n",
        "# EVOLVE-BLOCK-START\nx = 1\n",
        "x = 1\n",
    ],
)
def test_code_that_cannot_be_read_by_itself_asks_for_nothing(source: str) -> None:
    assert names_needed(TOY, source) == ()


def test_every_initial_program_defines_what_its_frame_needs() -> None:
    for path in SEEDS.glob("*/initial.py"):
        source = path.read_text(encoding="utf-8")
        assert missing_names(TOY, source, examine(source)) == "", path
        assert overridden_names(source) == "", path


KERNELS = [problem("moe_kernel").configured({"stage": stage.value}).task for stage in STAGES]
TASKS = [*(problem(name).task for name in BUILT_IN), *KERNELS]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.programs)
def test_a_whole_other_method_may_stand_in_every_initial_program(task: Task) -> None:
    initial = seed_files(task.programs).initial
    assert initial is not None
    source = initial.read_text(encoding="utf-8")
    inside = examine("".join(block.body(source) for block in find_blocks(source)))
    defined = {one.name for one in inside.names}
    assert {entry.name for entry in task.entry_points} & {one.name for one in examine(source).names} <= defined
