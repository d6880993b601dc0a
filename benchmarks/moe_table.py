"""Scores the programs of `moe_loss`, its controls too, in the sandbox, and writes the tables of its page.

``python -m benchmarks.moe_table --tier quick --rows DIR`` writes ``results/moe_loss_quick_search.json`` and the tables
of all such files between the markers of ``docs/tasks/moe_loss.md``. It goes through the programs one by one in one
process, which trains the reference once; a program that the result file has, or that has a file in DIR, is not run
again. ``--program NAME`` for single ones; ``--from-results`` writes the tables anew. After a new revision of the task,
``--carry N`` keeps the result file's rows of revision N, other than those of ``--program``; it is for rows that were
shown to be unchanged, and file and page name their revision.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.stamp import RESULTS, write_result
from benchmarks.table_parts import Row, between_markers, ranked, rounded, score_figures, table
from evaluators.balancing.moe_loss.task import PROBLEM, TASK
from evaluators.contract import Evaluation, Outcome, Split, Tier
from evaluators.environment import current_environment
from evaluators.problem import ClockPolicy
from evaluators.sandbox.client import Sandbox
from evaluators.scoring import Workload, evaluate
from evaluators.seeding import secret_from_seed

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "tasks" / "moe_loss.md"
PROGRAMS = ROOT / "seeds" / "moe_loss" / "baselines"
COLUMNS = {
    "cross-entropy gain": ("nats_gain", "+.3f"),
    "step time": ("step_time", ".2f"),
    "MaxVio batch": ("max_violation_batch", ".2f"),
    "MaxVio sequence": ("max_violation_sequence", ".2f"),
    "dead": ("dead_share", ".2f"),
    "domain information": ("domain_information", ".2f"),
    "byte information": ("byte_information", ".2f"),
    "fluctuation": ("fluctuation", ".2f"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tier", type=Tier, choices=list(Tier), default=Tier.QUICK)
    parser.add_argument("--split", type=Split, choices=list(Split), default=Split.SEARCH)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--program", action="append", help="file name without .py; default: all and the controls")
    parser.add_argument("--rows", type=Path, help="folder for rows as they come")
    parser.add_argument("--carry", type=int, help="revision whose rows are kept")
    parser.add_argument("--from-results", action="store_true")
    arguments = parser.parse_args()
    if not arguments.from_results:
        if arguments.rows is None:
            parser.error("expected --rows DIR or --from-results")
        names = arguments.program or list(program_files())
        result = f"moe_loss_{arguments.tier}_{arguments.split}"
        known = rows_so_far(RESULTS / f"{result}.json", arguments.seed)
        if arguments.carry is not None:
            carried = carried_rows(RESULTS / f"{result}.json", arguments.seed, arguments.carry)
            known |= {name: row for name, row in carried.items() if name not in names}
        missing = [name for name in names if name not in known]
        stored = scored(missing, arguments.tier, arguments.split, arguments.seed, arguments.rows)
        write_result(result, {**stored, "rows": known | stored["rows"]})
    PAGE.write_text(between_markers(PAGE.read_text(encoding="utf-8"), all_tables()), encoding="utf-8")


def program_files() -> dict[str, Path]:
    """Every baseline and control, by name."""
    return {path.stem: path for path in (*sorted(PROGRAMS.glob("*.py")), *sorted(PROGRAMS.glob("controls/*.py")))}


def rows_so_far(path: Path, seed: int) -> dict[str, Row]:
    """The rows of a result file, as far as they were made with this seed and this revision of the task."""
    if not path.exists():
        return {}
    stored = json.loads(path.read_text(encoding="utf-8"))["figures"]
    return dict(stored["rows"]) if (stored["seed"], stored["revision"]) == (seed, TASK.revision) else {}


def carried_rows(path: Path, seed: int, revision: int) -> dict[str, Row]:
    """The rows of a result file of an earlier revision of the task, each with that revision."""
    stored = json.loads(path.read_text(encoding="utf-8"))["figures"]
    if (stored["seed"], stored["revision"]) != (seed, revision):
        return {}
    return {name: {"revision": revision, **row} for name, row in stored["rows"].items()}


def scored(names: Sequence[str], tier: Tier, split: Split, seed: int, folder: Path) -> dict[str, Any]:
    """The rows of these programs, and of all that have a file in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    played = Workload.build(PROBLEM, tier, split, secret_from_seed(seed))
    head = f"{tier}-{split}-{seed}-"
    with Sandbox.start(TASK.libraries) as sandbox:
        environment = current_environment(TASK.libraries, sandbox.layers)
        for name in names:
            path = folder / f"{head}{name}.json"
            if path.exists():
                continue
            source = program_files()[name].read_text(encoding="utf-8")
            found = evaluate(PROBLEM, played, source, sandbox.candidate, environment, ClockPolicy())
            path.write_text(json.dumps(row_of(found)), encoding="utf-8")
            print(f"{name}: {found.outcome}, {found.objective}", flush=True)
    rows = {path.stem.removeprefix(head): json.loads(path.read_text()) for path in sorted(folder.glob(f"{head}*.json"))}
    return {"tier": str(tier), "split": str(split), "seed": seed, "revision": TASK.revision, "rows": rows}


def row_of(evaluation: Evaluation) -> dict[str, Any]:
    """What the tables need of an evaluation."""
    instances = evaluation.instances
    metrics = {metric: rounded(evaluation.metrics[metric]) for metric, _ in COLUMNS.values() if evaluation.metrics}
    return {
        "outcome": str(evaluation.outcome),
        **score_figures([(i.regime, i.counted_score) for i in instances]),
        **metrics,
        "cpu_s": rounded(evaluation.cpu_s),
        "failed": sum(i.outcome is not Outcome.SCORED for i in instances),
        "scores": {i.name: rounded(i.counted_score) for i in instances},
    }


def all_tables() -> str:
    """The generated part of the page: one table per result file."""
    parts = []
    for path in sorted(RESULTS.glob("moe_loss_*.json"), reverse=True):
        document = json.loads(path.read_text(encoding="utf-8"))
        stored = document["figures"]
        told = (
            f"Tier `{stored['tier']}`, split `{stored['split']}`, seed {stored['seed']}, "
            f"{revisions(stored['revision'], stored['rows'])}, {document['date'][:10]}; "
            "95 % intervals, stratified by regime."
        )
        parts += [told, ranking(stored["rows"])]
    return "\n\n".join(parts)


def revisions(revision: int, rows: Mapping[str, Row]) -> str:
    """The revision of the rows, and which are of an earlier one."""
    earlier = sorted({row["revision"] for row in rows.values() if "revision" in row})
    if not earlier:
        return f"revision {revision}"
    own = ", ".join(f"`{name}`" for name in sorted(rows) if "revision" not in rows[name])
    return f"revision {revision} ({own}; the others, unchanged, of revision {' and '.join(map(str, earlier))})"


def ranking(rows: Mapping[str, Row]) -> str:
    """Programs that were scored, best first, then those that were refused; with the columns that were measured."""
    sound = {name: row for name, row in rows.items() if row["outcome"] == "scored"}
    first = next(iter(sound.values()))
    regimes = list(first["regimes"])
    columns = {title: column for title, column in COLUMNS.items() if column[0] in first}
    body = [
        [
            f"`{name}`",
            f"{row['score']:+.4f}",
            f"{row['low']:+.4f} .. {row['high']:+.4f}",
            *(f"{row['regimes'][regime]:+.3f}" for regime in regimes),
            *(format(row[metric], form) for metric, form in columns.values()),
        ]
        for name, row in ((name, sound[name]) for name in ranked(sound))
    ]
    others = sorted(set(rows) - set(sound))
    refused = [[f"`{name}`", rows[name]["outcome"], *[""] * (1 + len(regimes) + len(columns))] for name in others]
    return table(["program", "score", "95 %", *regimes, *columns], body + refused)


if __name__ == "__main__":
    main()
