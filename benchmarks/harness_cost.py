"""What the harness costs: per attempt with the sandbox on, per genetic proposal, and for `evolve --help`.

The trivial task is `toy` (smoke and quick, one child each, a few dozen calls); programs come from a recording, so no
proposer is in the figure. Every program is evaluated to its end: twins and racing, which end many early, are off. The
cost per attempt is the slope between a short and a long run: start-up, founders and the hold-out cancel.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from importlib import resources
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.stamp import write_result
from evolve.genetic import NoChild, propose
from evolve.novelty.known import NoveltyIndex, source_digest
from evolve.search.request import Member, MutationRequest, Operator

SHORT, LONG = 100, 700
REPEATS = 3
EVERY_EVALUATION_WHOLE = "twins = false\nracing = 0.0\n"
HEAVY = ("openai", "numpy", "sqlalchemy", "torch", "streamlit")


def record_programs(path: Path, number: int) -> None:
    program = "def guess(hints):\n    return {a!r} * hints[0] + {b!r}\n"
    rng = np.random.default_rng(0)
    lines = [json.dumps({"source": program.format(a=a, b=b)}) for a, b in rng.uniform(0, 1, (number, 2)).tolist()]
    path.write_text("\n".join(lines), encoding="utf-8")


def children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run_toy(folder: Path, attempts: int, workers: int) -> tuple[float, float, str]:
    """Wall and CPU seconds of a whole run, and the sandbox it had."""
    archive = f"sqlite:///{folder}/{attempts}-{workers}-{time.monotonic_ns()}.db"
    words = ["run", "toy", "--proposer", "recorded", "--replies", f"{folder}/replies.jsonl", "--seed", "1", "--json"]
    words += [
        "--config",
        f"{folder}/run.toml",
        "--attempts",
        str(attempts),
        "--workers",
        str(workers),
        "--archive",
        archive,
        "--finalists",
        "1",
    ]
    began_s, began_cpu_s = time.perf_counter(), children_cpu_s()
    done = subprocess.run([sys.executable, "-m", "evolve.cli", *words], capture_output=True, text=True, check=True)
    wall_s, cpu_s = time.perf_counter() - began_s, children_cpu_s() - began_cpu_s
    outcomes = json.loads(done.stdout)["outcomes"]
    if outcomes != {"scored": attempts}:
        raise SystemExit(f"expected {attempts} scored attempts, found {outcomes}")
    board = subprocess.run(
        [sys.executable, "-m", "evolve.cli", "leaderboard", "--archive", archive, "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    return wall_s, cpu_s, str(json.loads(board.stdout)[0]["environment"])


def attempt_cost(workers: int) -> dict[str, object]:
    wall_ms, cpu_ms, sandbox = [], [], ""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        record_programs(folder / "replies.jsonl", LONG)
        (folder / "run.toml").write_text(EVERY_EVALUATION_WHOLE, encoding="utf-8")
        for _ in range(REPEATS):
            short, long = run_toy(folder, SHORT, workers), run_toy(folder, LONG, workers)
            wall_ms.append(1000 * (long[0] - short[0]) / (LONG - SHORT))
            cpu_ms.append(1000 * (long[1] - short[1]) / (LONG - SHORT))
            sandbox = long[2]
    return {
        "workers": workers,
        "wall_ms_per_attempt": [round(x, 2) for x in wall_ms],
        "controller_and_workers_cpu_ms": [round(x, 2) for x in cpu_ms],
        "environment_class": sandbox,
    }


def proposal_cost(number: int = 300) -> dict[str, object]:
    """CPU of proposals on the real program, each child the parent of the next with probability one half."""
    seeds = resources.files("seeds") / "expert_replication"
    parent = (seeds / "initial.py").read_text(encoding="utf-8")
    donor = (seeds / "baselines" / "ema_eplb.py").read_text(encoding="utf-8")
    novelty, costs_ms, made = NoveltyIndex(), [], 0
    member = Member(candidate_id="", score=0.0, instance_scores=(), attempt_index=None, parent_id=None)
    for index in range(number):
        operator = Operator.CROSSOVER if index % 5 == 0 else Operator.MUTATE
        request = MutationRequest(
            index=index, island=0, operator=operator, parent=member, inspirations=(member,), num_tells=index
        )
        rng = np.random.default_rng([0, index])
        began_s = time.process_time()
        child = propose(request, parent, [donor], rng, novelty.knows)
        costs_ms.append(1000 * (time.process_time() - began_s))
        if isinstance(child, NoChild):
            continue
        made += 1
        novelty.add(source_digest(child.source), child.ast_digest)
        parent = child.source if rng.random() < 0.5 else parent
    ordered = sorted(costs_ms)
    return {
        "proposals": number,
        "children": made,
        "median_cpu_ms": round(median(ordered), 2),
        "p95_cpu_ms": round(ordered[int(0.95 * number)], 2),
        "mean_cpu_ms": round(sum(ordered) / number, 2),
    }


def help_cost(words: list[str]) -> dict[str, object]:
    costs = []
    for _ in range(7):
        began_s = children_cpu_s()
        subprocess.run([sys.executable, "-m", "evolve.cli", *words], stdout=subprocess.DEVNULL, check=True)
        costs.append(children_cpu_s() - began_s)
    check = (
        "import sys\nfrom evolve.cli import main\n"
        f"try:\n    main({words!r})\nexcept SystemExit:\n    pass\n"
        f"sys.stderr.write(','.join(m for m in {HEAVY!r} if m in sys.modules))"
    )
    loaded = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True).stderr
    return {"cpu_s": round(median(costs), 3), "heavy_modules_loaded": loaded.split(",") if loaded else []}


def main() -> None:
    cores = os.cpu_count() or 1
    write_result(
        "harness_cost",
        {
            "attempt": attempt_cost(workers=min(2, cores)),
            "genetic_proposal": proposal_cost(),
            "evolve --help": help_cost(["--help"]),
            "evolve run --help": help_cost(["run", "--help"]),
        },
    )


if __name__ == "__main__":
    main()
