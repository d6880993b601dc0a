"""Replay placements on real kernels: ``python -m evaluators.kernels.replay --programs A.py B.py``.

Programs plan a few scenarios of `expert_replication` in the sandbox; the tokens that their plans send to the slots of a
GPU go through the grouped products on this machine's GPU. All-to-all and moved weights stay modelled and are left out
on both sides.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from evaluators.contract import ContractError, EvaluatorError, Split, Tier
from evaluators.kernels.profiles import ExpertSize
from evaluators.kernels.replay_counts import report
from evaluators.kernels.replay_run import MakeLaunch, Replay, Result
from evaluators.kernels.timing import Effort, Timer
from evaluators.placement.expert_replication.parameters import shape_of
from evaluators.placement.expert_replication.task import PROBLEM
from evaluators.placement.profile import named_profile, with_measured_expert
from evaluators.problem import Settings
from evaluators.sandbox.client import Sandbox
from evaluators.seeding import SeedSource, secret_from_seed
from evaluators.sources import read_assignments, read_program

EFFORT = Effort(warmups=2, launches=5)
DRY_EFFORT = Effort(warmups=1, launches=2, calibrations=1)
WEIGHTS_SEED = 20
_EXIT_BAD_INPUT = 1


def parser() -> argparse.ArgumentParser:
    """The command line of the replay."""
    commands = argparse.ArgumentParser(prog="python -m evaluators.kernels.replay", description=__doc__)
    commands.add_argument("--programs", required=True, nargs="+", type=Path, help="programs of expert_replication")
    commands.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter of the task")
    commands.add_argument("--tier", type=Tier, choices=list(Tier), default=Tier.QUICK, help="default: quick")
    commands.add_argument("--seed", type=int, default=0, help="which instances, and which of their layers (default 0)")
    commands.add_argument("--scenarios", type=int, default=4, help="the first so many (default 4)")
    commands.add_argument("--cells", type=int, default=8, help="layers of single iterations of each (default 8)")
    commands.add_argument("--allow-unsafe", action="store_true", help="run without a full sandbox, and say so")
    commands.add_argument("--json", action="store_true", help="print the result as JSON")
    commands.add_argument("--out", type=Path, help="also write the JSON to this file")
    commands.add_argument("--dry-run-on-cpu", action="store_true", help="torch on the CPU in place of the kernels")
    return commands


def replay(arguments: argparse.Namespace) -> Result:
    """The replay that the command line asks for.

    Raises:
        EvaluatorError: There is no GPU, a program or setting is bad, or the sandbox cannot be had.
    """
    device_type = _device_type(dry=arguments.dry_run_on_cpu)
    programs = {path.stem: read_program(path) for path in arguments.programs}
    problem = PROBLEM.configured(read_assignments(arguments.set))
    seeds = SeedSource(secret_from_seed(arguments.seed), Split.SEARCH)
    scenarios = problem.instances(arguments.tier, Split.SEARCH, seeds)[: arguments.scenarios]
    size = expert_of(problem.task.parameters, "float32" if arguments.dry_run_on_cpu else "bfloat16")
    with Sandbox.start(problem.task.libraries, allow_unsafe=arguments.allow_unsafe) as sandbox:
        return Replay(
            programs=programs,
            scenarios=scenarios,
            cells=arguments.cells,
            timer=_timer(device_type),
            make_experts=lambda slots, rows: _make_launch(size, slots, rows, device_type),
            open_candidate=sandbox.candidate,
            limits=problem.task.limits[arguments.tier],
            seed=arguments.seed,
        ).run()


def expert_of(settings: Settings, dtype: str) -> ExpertSize:
    """The expert that the search split plays with."""
    shape = shape_of(with_measured_expert(settings, named_profile(settings)))
    return ExpertSize(width=shape.hidden, expert_width=shape.intermediate, dtype=dtype)


def main(words: Sequence[str] | None = None) -> int:
    """Exit status: 0 replayed, 1 bad input or no GPU with one sentence, 2 usage."""
    arguments = parser().parse_args(words)
    try:
        result = replay(arguments)
        text = json.dumps({"correlation": result.correlation, **asdict(result)}, indent=2)
        if arguments.out:
            arguments.out.write_text(text + "\n", encoding="utf-8")
    except (EvaluatorError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return _EXIT_BAD_INPUT
    sys.stdout.write((text if arguments.json else report(result.replayed, result.left_out)) + "\n")
    return 0


def _device_type(*, dry: bool) -> str:
    """``cuda``, or ``cpu`` in a dry run.

    Raises:
        ContractError: There is no torch, or no GPU.
    """
    try:
        import torch
    except ImportError as error:
        raise ContractError("replaying on kernels needs torch: `pip install 'evenkeel[torch]'`") from error
    if dry:
        return "cpu"
    if not torch.cuda.is_available():
        raise ContractError("replaying on kernels needs a CUDA GPU, and torch sees none on this machine")
    return "cuda"


def _timer(device_type: str) -> Timer:
    import torch

    from evaluators.kernels.workbench import timer_on

    return timer_on(torch.device(device_type), EFFORT if device_type == "cuda" else DRY_EFFORT)


def _make_launch(size: ExpertSize, slots: int, most_rows: int, device_type: str) -> MakeLaunch:
    """Kernels on a GPU; plain torch where no time counts."""
    import torch

    from evaluators.kernels.workbench import Experts

    experts = Experts.random(size, slots, most_rows, torch.device(device_type), WEIGHTS_SEED)
    return experts.launch if device_type == "cuda" else experts.launch_in_torch


if __name__ == "__main__":
    sys.exit(main())
