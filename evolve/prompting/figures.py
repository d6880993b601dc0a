"""What prompts say of numbers: the objective, scores, limits, and where there is most to gain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluators.contract import FLOOR, Direction, Limits, Task, Tier
from evaluators.figures import significant, significant_change
from evolve.prompting.brief import Shown, is_clearly_above
from evolve.prompting.fencing import line

_NAME_CHARS = 60
_MOST_REGIMES = 16
_MOST_CHANGES = 8
_LEAST_CHANGE = 0.01  # of the largest
_TIERS = (Tier.SMOKE, Tier.QUICK, Tier.FULL)  # one to pass first, one to search with, one to rank with

_FRESH = (
    "Each instance is played in a fresh process: nothing is remembered from one to the next; within one, module "
    "globals and attributes live on."
)
_KEPT = "One process plays all instances of an evaluation; no score may hang on what it remembers of earlier ones."


def objective_text(task: Task) -> str:
    """What is to be improved, which way, and between which marks."""
    spec = task.metric(task.objective)
    better = "higher" if spec.direction is Direction.MAXIMIZE else "lower"
    unit = "" if spec.unit == "1" else f" ({spec.unit})"
    bound = "" if task.bound is None else f", {task.bound:g} is a proven bound that no program passes"
    marks = f"0 for the program `{task.weak_baseline}`{bound}, and " if task.weak_baseline else ""
    return (
        f"The one objective is `{spec.name}`{unit}, {better} is better: {spec.description}. An instance scores {marks}"
        f"{FLOOR:g} if it fails; the objective is the mean over all instances, which come in several regimes."
    )


def metrics_text(task: Task) -> str:
    """The other metrics, a line each; empty if there are none."""
    others = [spec for spec in task.metrics if spec.name != task.objective]
    if not others:
        return ""
    lines = [
        f"- `{spec.name}`{'' if spec.unit == '1' else f' [{spec.unit}]'}: {spec.description}"
        f" ({'higher' if spec.direction is Direction.MAXIMIZE else 'lower'} is better)"
        for spec in others
    ]
    return "\n".join(["Measured beside it, to explain the objective:", *lines])


def limits_text(task: Task) -> str:
    """What a program may use, a line each."""
    lines = [f"- It may import the standard library and {', '.join(task.libraries)}; nothing else."]
    allowances: dict[str, list[str]] = {}
    for tier in (tier for tier in _TIERS if tier in task.limits):
        allowances.setdefault(_allowance(task.limits[tier]), []).append(tier)
    lines += [
        f"- {'in every' if len(allowances) == 1 else ' and '.join(tiers)} tier, per instance: {allowance}."
        for allowance, tiers in allowances.items()
    ]
    lines.append(f"- {_FRESH if task.stateful else _KEPT}")
    lines.append("- One thread; no processes, no network, no files to write. What it prints is thrown away.")
    if task.charges_time:
        lines.append("- CPU time of its calls is charged in the score.")
    return "\n".join(lines)


def settings_text(task: Task) -> str:
    """What the user set, a line each; of a file only that there is one, for its path is nobody's business."""
    specs = {spec.name: spec for spec in task.parameter_specs}
    lines: list[str] = []
    for name, value in task.parameters.items():
        spec = specs.get(name)
        is_file = spec is not None and spec.is_path
        meaning = "" if spec is None else f" ({spec.description})"
        lines.append(f"- {name} = {'a file of the user' if is_file else value}{meaning}")
    return "\n".join(["## Set up with", *lines]) if lines else ""


def scores_text(task: Task, shown: Shown) -> str:
    """The objective, its regimes from the weakest to the strongest, and the other metrics."""
    lines = [f"{task.objective}: {significant(shown.score)}"]
    if shown.regimes:
        lines.append("by regime, weakest first:")
        lines += [f"- {line(name, _NAME_CHARS)}: {significant(score)}" for name, score in _weakest_first(shown.regimes)]
    known = {spec.name for spec in task.metrics} - {task.objective}
    metrics = [f"{name} {significant(value)}" for name, value in shown.metrics.items() if name in known]
    if metrics:
        lines.append(f"means of other metrics: {', '.join(metrics)}")
    return "\n".join(lines)


def weakest_text(shown: Shown, best: Mapping[str, float], others: Sequence[Shown] = ()) -> str:
    """A sentence on where the most is to be gained, known to be possible if `best` says so; empty for a single regime.

    Regimes differ in what can be had there: the lowest score may be the best there is. If one of `others`, which the
    prompt shows too, is the program that has reached more, it is named.
    """
    if len(shown.regimes) < 2:
        return ""
    gaps = {
        name: best[name] - score
        for name, score in shown.regimes.items()
        if name in best and is_clearly_above(best[name], score)
    }
    if not gaps:
        return _lowest_text(shown)
    name = min(gaps, key=lambda name: (-gaps[name], name))
    scores = f"{significant(shown.regimes[name])} against {significant(best[name])}"
    return (
        f"It is furthest below what a program of this run has reached in `{line(name, _NAME_CHARS)}`: "
        f"{scores}{_holder_text(name, best[name], others)}; find out why, and gain there without losing elsewhere."
    )


def _holder_text(regime: str, score: float, others: Sequence[Shown]) -> str:
    holder = next((other for other in others if other.regimes.get(regime) == score), None)
    return "" if holder is None else f", by `{line(holder.name, _NAME_CHARS)}` above"


def _lowest_text(shown: Shown) -> str:
    if min(shown.regimes.values()) == max(shown.regimes.values()):
        return ""
    name, score = _weakest_first(shown.regimes)[0]
    return (
        f"Its weakest regime is `{line(name, _NAME_CHARS)}` at {significant(score)}; find out why, and gain there "
        "without losing elsewhere."
    )


def strengths_text(parent: Shown, partner: Shown) -> str:
    """Where `partner` scores more than `parent`, in a sentence."""
    better = [
        f"`{line(name, _NAME_CHARS)}` ({significant(score)} against {significant(parent.regimes[name])})"
        for name, score in _weakest_first(partner.regimes)
        if name in parent.regimes and is_clearly_above(score, parent.regimes[name])
    ]
    if better:
        return f"it scores more than the parent in {', '.join(better)}."
    return f"it scores {significant(partner.score)} against {significant(parent.score)} by other means."


def changes_text(changes: Mapping[str, float]) -> str:
    """Where a program lost and gained against its parent: the largest changes but what is next to 0, losses first."""
    least = _LEAST_CHANGE * max(map(abs, changes.values()), default=0.0)
    largest = sorted(changes.items(), key=lambda entry: (-abs(entry[1]), entry[0]))[:_MOST_CHANGES]
    told = [
        f"{line(name, _NAME_CHARS)} {significant_change(change)}"
        for name, change in _weakest_first(dict(largest))
        if change and abs(change) >= least
    ]
    return f"against the parent: {', '.join(told)}" if told else ""


def _allowance(limits: Limits) -> str:
    return (
        f"{limits.wall_s:g} s in all, {limits.cpu_s:g} s of CPU time, {limits.call_wall_s:g} s for one call, "
        f"{limits.memory_bytes / 2**20:g} MiB of memory"
    )


def _weakest_first(regimes: Mapping[str, float]) -> Sequence[tuple[str, float]]:
    return sorted(regimes.items(), key=lambda entry: (entry[1], entry[0]))[:_MOST_REGIMES]
