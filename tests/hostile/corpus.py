"""Runs one attack and says everything that went wrong: wrong end, a gain, a leak, a survivor, a harmed successor."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import evaluators.sandbox.client
from evaluators import jsonable
from evaluators.candidate import CandidateFailure, ReplyField
from evaluators.contract import Limits, Outcome
from evaluators.sandbox.client import Sandbox
from tests.hostile import on_tasks
from tests.hostile.headers import ATTACKS, Attack, read_attack
from tests.hostile.processes import descendants

CANARY = "kanarienvogel-31415926535"  # in a file, in the worker's environment twice, as a key and as a secret
CANARY_VARIABLES = ("EVENKEEL_HOSTILE_KEY", "OPENAI_API_KEY")
INPUTS = np.zeros(4)
LONG = Limits(wall_s=30.0, cpu_s=20.0, call_wall_s=20.0, memory_bytes=256 << 20)
VALUE = (ReplyField(name="value", dtype="float64", shape=()),)
HONEST = "def attack(context, inputs):\n    return {'value': inputs.sum() + 42}\n"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a program ended."""

    outcome: Outcome
    succeeded: bool  # what the attack itself says it achieved
    text: str  # everything a person or a model could read of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One attack under one set of layers."""

    attack: str
    outcome: Outcome
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """The corpus under one set of layers."""

    layers: str
    uid: int
    results: tuple[Result, ...]


def survey(sandbox: Sandbox, paths: Sequence[Path] = ATTACKS) -> Survey:
    """Every attack in turn."""
    results = []
    for path in paths:
        with scene() as context:
            results.append(check(sandbox, read_attack(path), context))
    return Survey(layers=sandbox.layers, uid=os.getuid(), results=tuple(results))


@contextmanager
def scene() -> Iterator[dict[str, str]]:
    """A folder with a secret that every user may read, and what an attacker might know of this machine."""
    with tempfile.TemporaryDirectory(prefix="evenkeel-hostile-") as folder:
        secret = Path(folder, "secret")
        secret.write_text(CANARY, encoding="ascii")
        secret.chmod(0o644)
        Path(folder).chmod(0o777)
        yield {
            "secret": str(secret),
            "folder": folder,
            "home": str(Path("~").expanduser()),
            "harness": evaluators.sandbox.client.__file__,
            "worker": str(os.getpid()),
        }


def check(sandbox: Sandbox, attack: Attack, context: dict[str, str]) -> Result:
    """Run an attack and look at what is left."""
    processes = descendants(os.getpid())
    if attack.task:
        evaluation = on_tasks.play(sandbox, attack)
        ending = Ending(evaluation.outcome, False, jsonable.dumps(evaluation))
        gains = list(on_tasks.troubles(sandbox, attack, evaluation))
    else:
        ending, gains = run(sandbox, attack.source, context, attack.limits or LONG, attack.calls), []
    problems = [*gains, *_deviations(attack, ending), *_leftovers(context, processes)]
    if run(sandbox, HONEST, context) != Ending(Outcome.SCORED, True, ""):
        problems.append("the next honest program is not scored as before")
    return Result(attack=attack.name, outcome=ending.outcome, problems=tuple(problems))


def run(sandbox: Sandbox, source: str, context: Mapping[str, str], limits: Limits = LONG, calls: int = 1) -> Ending:
    """Call `attack` of a program."""
    printed = ""
    try:
        with sandbox.candidate(source, limits) as candidate:
            try:
                for _ in range(calls):
                    value = candidate.function("attack", [context, INPUTS], VALUE).arrays["value"]
            finally:
                printed = candidate.stderr_tail()
        return Ending(Outcome.SCORED, bool(value), printed)
    except CandidateFailure as failure:
        return Ending(failure.outcome, False, printed + failure.detail)


def _deviations(attack: Attack, ending: Ending) -> Iterator[str]:
    if ending.outcome not in attack.expected:
        yield f"expected {'/'.join(sorted(attack.expected))}, found {ending.outcome}: {ending.text[-200:]}"
    if ending.succeeded:
        yield "it succeeded"
    if CANARY in ending.text:
        yield "a canary leaked"


def _leftovers(context: Mapping[str, str], processes: set[int]) -> Iterator[str]:
    secret = Path(context["secret"])
    if [entry.name for entry in secret.parent.iterdir()] != ["secret"]:
        yield "files were left or taken"
    elif (secret.read_text(encoding="ascii"), secret.stat().st_mode & 0o777) != (CANARY, 0o644):
        yield "a file was changed"
    if descendants(os.getpid()) != processes:
        yield "processes were left or taken"
