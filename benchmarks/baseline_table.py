"""Scores every program of `seeds/expert_replication` on search and hold-out, in the sandbox, and writes the tables.

``python -m benchmarks.baseline_table`` writes ``results/expert_replication_baselines.json`` and the tables between the
markers of ``docs/tasks/expert_replication.md``; ``--from-result`` writes the tables anew from the stored figures.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.stamp import RESULTS, write_result
from evaluators import registry
from evaluators.contract import Evaluation, InstanceResult, Outcome, Split, Tier
from evaluators.environment import current_environment
from evaluators.measure import mean_interval, paired_interval
from evaluators.placement.expert_replication.oracle import oracle_us
from evaluators.placement.expert_replication.scenario import Scenario
from evaluators.problem import ClockPolicy
from evaluators.sandbox.client import Sandbox
from evaluators.scoring import Workload, evaluate
from evaluators.seeding import secret_from_seed

TASK, NAME = "expert_replication", "expert_replication_baselines"
ROOT = Path(__file__).parents[1]
PROGRAMS = ROOT / "seeds" / TASK
PAGE = ROOT / "docs" / "tasks" / f"{TASK}.md"
SPLITS = (Split.SEARCH, Split.HOLDOUT)
ORACLE, REFERENCE = "oracle", "eplb_global"
METRICS = ("gpu_balance", "moved_fraction", "migration_gb", "planner_s", "time_over_bound")

Row = Mapping[str, Any]  # a JSON object


def program_files() -> dict[str, Path]:
    """The initial program and every baseline, by name."""
    return {path.stem: path for path in (PROGRAMS / "initial.py", *sorted((PROGRAMS / "baselines").glob("*.py")))}


@lru_cache(maxsize=1)
def workload(tier: Tier, split: Split, seed: int) -> Workload:
    """The instances of one tier and split, built once per process and split."""
    return Workload.build(registry.problem(TASK), tier, split, secret_from_seed(seed))


@lru_cache(maxsize=1)
def sandbox() -> Sandbox:
    """One sandbox per process; it ends with the process."""
    return Sandbox.start(registry.problem(TASK).task.libraries)


def stored_or_scored(folder: Path, name: str, tier: Tier, split: Split, seed: int) -> Row:
    """One program's figures; a run that was cut short finds in `folder` what it had."""
    path = folder / f"{tier}-{split}-{seed}-{name}.json"
    if not path.exists():
        part = path.with_suffix(".part")
        part.write_text(json.dumps(scored(name, tier, split, seed)), encoding="utf-8")
        part.rename(path)
    row: Row = json.loads(path.read_text(encoding="utf-8"))
    return row


def scored(name: str, tier: Tier, split: Split, seed: int) -> Row:
    """One program's figures, or the oracle's."""
    if name == ORACLE:
        return oracle_row(workload(tier, split, seed))
    problem = registry.problem(TASK)
    environment = current_environment(problem.task.libraries, sandbox().layers)
    source = program_files()[name].read_text(encoding="utf-8")
    played = workload(tier, split, seed)
    return evaluation_row(evaluate(problem, played, source, sandbox().candidate, environment, ClockPolicy()))


def evaluation_row(evaluation: Evaluation) -> Row:
    """What the tables need of an evaluation."""
    instances = evaluation.instances
    return {
        "outcome": str(evaluation.outcome),
        **score_figures([(i.regime, i.counted_score) for i in instances]),
        **{metric: rounded(evaluation.metrics[metric]) for metric in METRICS if metric in evaluation.metrics},
        "planner_ms_per_call": rounded(1e3 * evaluation.cpu_s / max(1, num_calls(instances))),
        "scores": {i.name: rounded(i.counted_score) for i in instances},
    }


def num_calls(instances: Sequence[InstanceResult]) -> int:
    """Calls of `plan` over all instances."""
    return sum(len(i.delays_s) for i in instances if i.outcome is Outcome.SCORED)


def oracle_row(played: Workload) -> Row:
    """The clairvoyant greedy plan's scores."""
    pairs = [(s.regime, oracle_score(s)) for s in played.instances if isinstance(s, Scenario)]
    return {"outcome": "scored", **score_figures(pairs)}


def oracle_score(scenario: Scenario) -> float:
    """Planned from each window's own loads, nothing moved."""
    windows = range(scenario.workload.warmup, len(scenario.workload.totals_WLE))
    return scenario.score(float(np.mean([oracle_us(scenario.loads(w), scenario.system) for w in windows])))


def score_figures(pairs: Sequence[tuple[str, float]]) -> Row:
    """Mean, interval and mean per regime of (regime, score) pairs."""
    regimes, scores = [regime for regime, _ in pairs], [score for _, score in pairs]
    interval = mean_interval(scores, regimes)
    by_regime = {r: rounded(np.mean([s for q, s in pairs if q == r])) for r in dict.fromkeys(regimes)}
    return {
        "score": rounded(np.mean(scores)),
        "low": rounded(interval.low) if interval else None,
        "high": rounded(interval.high) if interval else None,
        "regimes": by_regime,
    }


def rounded(value: float | np.floating[Any]) -> float:
    """Five significant digits are more than any interval here."""
    return float(f"{float(value):.5g}")


def figures(tier: Tier, seed: int, processes: int, folder: Path) -> dict[str, Any]:
    """The rows of all programs and the oracle on both splits; `folder` holds them as they come."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [*program_files(), ORACLE]
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        futures = {
            (split, name): pool.submit(stored_or_scored, folder, name, tier, split, seed)
            for split, name in product(SPLITS, names)
        }
        rows = {key: future.result() for key, future in futures.items()}
    return {
        "task": TASK,
        "revision": registry.problem(TASK).task.revision,
        "tier": str(tier),
        "seed": seed,
        **{str(split): {name: rows[split, name] for name in names} for split in SPLITS},
    }


def tables(stored: Mapping[str, Any]) -> str:
    """The generated part of the page."""
    told = f"Tier `{stored['tier']}`, seed {stored['seed']}, revision {stored['revision']}; 95 % intervals, stratified."
    parts = [told]
    for split in SPLITS:
        rows: Mapping[str, Row] = stored[str(split)]
        parts += [f"### {str(split).capitalize()}", ranking(rows), headroom(rows)]
    return "\n\n".join([*parts, "### ADRS-compatible figures", adrs(stored)])


def ranked(rows: Mapping[str, Row]) -> list[str]:
    """Names, best score first, the oracle on top."""
    return sorted(rows, key=lambda name: (name != ORACLE, -rows[name]["score"]))


def ranking(rows: Mapping[str, Row]) -> str:
    """Score and interval of every program, and its score per regime."""
    regimes = list(next(iter(rows.values()))["regimes"])
    header = ["program", "score", "95 %", f"minus `{REFERENCE}`, 95 %", *regimes, "moved / window"]
    body = [
        [
            name if name == ORACLE else f"`{name}`",
            f"{row['score']:.3f}",
            f"{row['low']:.3f} .. {row['high']:.3f}" if row["low"] is not None else "-",
            difference(row, rows[REFERENCE]) if name != REFERENCE else "-",
            *(f"{row['regimes'][regime]:.2f}" for regime in regimes),
            f"{100 * row['moved_fraction']:.0f} %" if "moved_fraction" in row else "-",
        ]
        for name, row in ((name, rows[name]) for name in ranked(rows))
    ]
    return table(header, body)


def difference(row: Row, reference: Row) -> str:
    """The paired difference over the instances of both, and its interval."""
    names = [name for name in reference.get("scores", {}) if name in row.get("scores", {})]
    scores, others = ([r["scores"][name] for name in names] for r in (row, reference))
    interval = paired_interval(scores, others, [name.split("-")[0] for name in names])
    if interval is None:
        return "-"
    return f"{np.mean(scores) - np.mean(others):+.3f} ({interval.low:+.3f} .. {interval.high:+.3f})"


def headroom(rows: Mapping[str, Row]) -> str:
    """Per regime: the best program, the oracle, and what lies between them."""
    programs = {name: row for name, row in rows.items() if name != ORACLE}
    body = []
    for regime, reached in rows[ORACLE]["regimes"].items():
        best = max(programs, key=lambda name, r=regime: programs[name]["regimes"][r])  # type: ignore[misc]
        score = programs[best]["regimes"][regime]
        body.append([f"`{regime}`", f"`{best}`", f"{score:.3f}", f"{reached:.3f}", f"{reached - score:+.3f}"])
    return table(["regime", "best program", "score", "oracle", "headroom"], body)


def adrs(stored: Mapping[str, Any]) -> str:
    """GPU balance of the next window (ADRS: balGPU) and CPU milliseconds per call, of every program."""
    body = []
    for name in (n for n in ranked(stored[str(Split.SEARCH)]) if n != ORACLE):
        rows = [stored[str(split)][name] for split in SPLITS]
        cells = [f"{row.get(key, float('nan')):.{digits}f}" for row in rows for key, digits in COLUMNS]
        body.append([f"`{name}`", *cells])
    return table(["program", *(f"{label} ({split})" for split in SPLITS for label in ("balGPU", "ms"))], body)


COLUMNS = (("gpu_balance", 3), ("planner_ms_per_call", 1))


def table(header: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def between_markers(page: str, generated: str) -> str:
    """`page` with what stands between its markers replaced.

    Raises:
        ValueError: The page lacks a marker.
    """
    start, end = "<!-- baseline table: start -->", "<!-- baseline table: end -->"
    if start not in page or end not in page:
        raise ValueError(f"{PAGE}: expected the markers {start} and {end}, found no such pair")
    head, tail = page.split(start)[0], page.split(end)[1]
    return f"{head}{start}\n{generated}\n{end}{tail}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tier", type=Tier, choices=list(Tier), default=Tier.FULL)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--rows", type=Path, help="folder for rows as they come, so that a cut run goes on from there")
    parser.add_argument("--from-result", action="store_true", help="write the tables from the stored figures")
    arguments = parser.parse_args()
    if not arguments.from_result:
        with tempfile.TemporaryDirectory() as scratch:
            folder = arguments.rows or Path(scratch)
            write_result(NAME, figures(arguments.tier, arguments.seed, arguments.processes, folder))
    stored = json.loads((RESULTS / f"{NAME}.json").read_text(encoding="utf-8"))["figures"]
    PAGE.write_text(between_markers(PAGE.read_text(encoding="utf-8"), tables(stored)), encoding="utf-8")


if __name__ == "__main__":
    main()
