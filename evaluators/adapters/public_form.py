"""Tasks of the public form: a folder with ``evaluator.py``, whose `evaluate(program_path)` returns metrics.

The form is that of OpenEvolve (github.com/codelion/openevolve). Its evaluator imports the program it scores, so the two
cannot be told apart: both run in one sandboxed child, the child's word is taken for the score, and every result is
marked `SELF_SCORED`. What the sandbox protects is the machine and the archive, not the score.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from evaluators.candidate import Candidate, CandidateFailure, ReplyField
from evaluators.contract import (
    FLOOR,
    SELF_SCORED,
    ContractError,
    Direction,
    EntryPoint,
    InstanceResult,
    Limits,
    MetricSpec,
    Outcome,
    Parameter,
    ParameterKind,
    ParameterValue,
    Picture,
    Split,
    Task,
    Tier,
)
from evaluators.folder_files import all_files, digest
from evaluators.parameters import read_settings
from evaluators.problem import ClockPolicy
from evaluators.seed_files import PUBLIC_INITIAL
from evaluators.seeding import SeedSource

OBJECTIVE = "combined_score"
MAX_METRICS = 64
NAME_BYTES = 4096  # of all metrics' names together
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-/@% ]{0,63}")
_REPLY = (
    ReplyField(name="names", dtype="uint8", shape=(NAME_BYTES,)),
    ReplyField(name="values", dtype="float64", shape=(MAX_METRICS,)),
)
_CHECK = (ReplyField(name="ready", dtype="bool", shape=()),)
_NEVER_LIBRARIES = frozenset({"openevolve"})  # the host stands in for it
_PARAMETERS = (
    Parameter(
        name="seconds",
        kind=ParameterKind.INTEGER,
        default=300,
        minimum=1,
        maximum=86400,
        description="CPU and wall time that one evaluation may take",
    ),
    Parameter(
        name="memory_mb",
        kind=ParameterKind.INTEGER,
        default=2048,
        minimum=64,
        maximum=1 << 20,
        description="memory that one evaluation may take",
    ),
    Parameter(
        name="repeats",
        kind=ParameterKind.INTEGER,
        default=1,
        minimum=1,
        maximum=1000,
        description="times that evaluate() is called, with other seeds of random and numpy; intervals need 12",
    ),
)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the evaluator, or only the check that there is one."""

    name: str
    files: Mapping[str, bytes]
    seed: int
    scores: bool = True
    regime: str = "evaluate"

    def play(self, candidate: Candidate, clock: ClockPolicy) -> InstanceResult:
        """What the child says of itself.

        Raises:
            CandidateFailure: The evaluator raised, ran out of its limits, or returned no objective.
        """
        del clock  # no time is charged here
        files = {name: np.frombuffer(content, np.uint8) for name, content in self.files.items()}
        if not self.scores:
            candidate.function("check", [files], _CHECK)
            return InstanceResult(name=self.name, regime=self.regime, outcome=Outcome.SCORED, score=0.0)
        arrays = candidate.function("evaluate", [files, self.seed], _REPLY).arrays
        metrics = _metrics(arrays["names"].tobytes(), arrays["values"].tolist())
        return InstanceResult(
            name=self.name,
            regime=self.regime,
            outcome=Outcome.SCORED,
            score=score(objective(metrics)),
            metrics=metrics,
        )


@dataclass(frozen=True, slots=True)
class PublicFormProblem:
    """An evaluator of the public form as a problem; the same call on every split and tier."""

    task: Task
    files: Mapping[str, bytes]

    def configured(self, settings: Mapping[str, ParameterValue | str]) -> PublicFormProblem:
        """The same with other limits, or more calls per evaluation."""
        parameters = read_settings(self.task, settings)
        return replace(self, task=replace(self.task, parameters=parameters, limits=_limits(parameters)))

    def instances(self, tier: Tier, split: Split, seeds: SeedSource) -> Sequence[Call]:
        """The check alone in `SMOKE`, else `repeats` calls."""
        del split  # the evaluator decides what it looks at, and looks at the same every time
        if tier is Tier.SMOKE:
            return [Call("check", self.files, 0, scores=False)]
        names = [f"call-{i}" for i in range(int(self.task.parameters["repeats"]))]
        return [Call(name, self.files, seeds.candidate(name)) for name in names]

    def feedback(self, results: Sequence[InstanceResult]) -> str:
        """The metrics of each call; artifacts are not carried."""
        return "\n".join(_feedback_line(result) for result in results)

    def pictures(self, results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
        """None."""
        del results
        return ()


def public_problem(folder: Path) -> PublicFormProblem:
    """The task in a folder with an ``evaluator.py``.

    Raises:
        ContractError: The evaluator cannot be read, does not parse or defines no `evaluate`.
    """
    files = all_files(folder)
    tree = _parsed(folder / "evaluator.py", files["evaluator.py"])
    if not any(isinstance(node, ast.FunctionDef) and node.name == "evaluate" for node in tree.body):
        raise ContractError(f"{folder / 'evaluator.py'} defines no function evaluate(program_path)")
    parameters = {spec.name: spec.default for spec in _PARAMETERS}
    task = Task(
        name=f"{re.sub(r'[^a-z0-9]+', '_', folder.name.lower()).strip('_') or 'task'}_self_scored",
        family="public form",
        summary=f"The evaluator in the folder {folder.name}, run as it is. {SELF_SCORED[0].upper()}{SELF_SCORED[1:]}.",
        entry_points=_entry_points(tree, files),
        metrics=(
            MetricSpec(
                name="score",
                unit="1",
                direction=Direction.MAXIMIZE,
                description=f"{OBJECTIVE} v, or v / (1 - v) where it is negative, so that a failure stays the worst",
            ),
            MetricSpec(name=OBJECTIVE, unit="1", direction=Direction.MAXIMIZE, description="as the evaluator says"),
        ),
        objective="score",
        bound=None,
        weak_baseline="",
        limits=_limits(parameters),
        parameters=parameters,
        parameter_specs=_PARAMETERS,
        libraries=tuple(dict.fromkeys(["numpy", *_libraries(tree, files)])),
        folder=str(folder),
        code=digest(files),
        self_scored=True,
    )
    return PublicFormProblem(task, files)


def objective(metrics: Mapping[str, float]) -> float:
    """`OBJECTIVE`, or the only metric there is.

    Raises:
        CandidateFailure: Neither: no metric is made the fitness by accident, by averaging or by order.
    """
    if OBJECTIVE in metrics:
        return metrics[OBJECTIVE]
    if len(metrics) == 1:
        return next(iter(metrics.values()))
    found = ", ".join(metrics) or "no number"
    raise CandidateFailure(Outcome.INVALID, f"evaluate() must return {OBJECTIVE!r} or a single metric, found {found}")


def score(value: float) -> float:
    """`value` where it is positive, else squeezed into (-1, 0]: the order stays, and a failure stays below.

    Written so that each step rounds in order; ``value / (1 - value)`` is the same number and does not.
    """
    return value if value >= 0 else 1 / (1 - value) + FLOOR


def _limits(parameters: Mapping[str, ParameterValue]) -> dict[Tier, Limits]:
    seconds = float(parameters["seconds"])
    limits = Limits(wall_s=seconds, cpu_s=seconds, call_wall_s=seconds, memory_bytes=int(parameters["memory_mb"]) << 20)
    return dict.fromkeys(Tier, limits)


def _metrics(names: bytes, values: Sequence[float]) -> dict[str, float]:
    """Metrics by name; both lists are the child's, so both are checked."""
    words = names.rstrip(b"\0").decode("ascii", "replace").split("\n") if names.rstrip(b"\0") else []
    if len(words) > MAX_METRICS or len(set(words)) < len(words) or not all(map(_NAME.fullmatch, words)):
        raise CandidateFailure(Outcome.INVALID, "the names of the metrics are not at most 64 different plain words")
    return dict(zip(words, values, strict=False))


def _feedback_line(result: InstanceResult) -> str:
    if result.outcome is not Outcome.SCORED:
        return f"{result.name}: {result.outcome}. {result.detail}"
    return f"{result.name}: " + ", ".join(f"{name} {value:.6g}" for name, value in result.metrics.items())


def _parsed(path: Path, content: bytes) -> ast.Module:
    try:
        return ast.parse(content)
    except (SyntaxError, ValueError) as error:
        raise ContractError(f"{path} does not parse: {error}") from error


def _entry_points(evaluator: ast.Module, files: Mapping[str, bytes]) -> tuple[EntryPoint, ...]:
    """Functions and classes of the initial program whose names occur in the evaluator, as names or as texts."""
    name = next((name for name in PUBLIC_INITIAL if name in files), None)
    tree = _parsed(Path(name), files[name]) if name else ast.Module(body=[], type_ignores=[])
    nodes = list(ast.walk(evaluator))
    named = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    named |= {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return tuple(
        EntryPoint(name=node.name, signature=_signature(node), description="Used by the evaluator.")
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name in named
    )


def _signature(node: ast.FunctionDef | ast.ClassDef) -> str:
    return f"{node.name}({ast.unparse(node.args)})" if isinstance(node, ast.FunctionDef) else f"class {node.name}"


def _libraries(tree: ast.Module, files: Mapping[str, bytes]) -> Iterator[str]:
    """Installed packages that the evaluator imports, at whatever depth; its own files and ours are none."""
    own = {name.partition("/")[0].removesuffix(".py") for name in files}
    for node in ast.walk(tree):
        for name in _imported(node):
            top = name.partition(".")[0]
            if top not in own | _NEVER_LIBRARIES | sys.stdlib_module_names and importlib.util.find_spec(top):
                yield top


def _imported(node: ast.AST) -> Sequence[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module]
    return []
