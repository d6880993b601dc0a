"""Three models of different quality and price at the stand-in server: whom the bandits ask, and what that costs.

``sharp`` writes a real edit nine times out of ten at a middling price, ``dear`` every second time at three times that,
``cheap`` one time in five for a quarter of it. The best arm is ``sharp``, whichever the operator: the stand-in answers
all of them with the same genetic edits. Shares are by quarter of the run. Another run has a budget in USD that ends it.

The founders of a task are scored once: all runs of a task and seed share an archive, which remembers evaluations.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import fmean

from archive.queries import usage
from archive.records import Attempt, ModelReply
from archive.store import Archive
from benchmarks.stamp import write_result
from evaluators import registry
from evolve.config import RunConfig, build_config
from evolve.llm.catalogue import build_catalogue
from evolve.programs import founding_programs
from evolve.run.lifecycle import Lifecycle, timestamp
from evolve.run.progress import Progress
from evolve.run.session import new_run
from evolve.search.bandit import POLICIES
from evolve.version import software_version
from tests.fake_openai import FakeModel, FakeOpenAI, fake_openai

QUALITY = {"sharp": 0.9, "dear": 0.5, "cheap": 0.2}
PRICES = {"sharp": (2.0, 8.0), "dear": (6.0, 24.0), "cheap": (0.5, 2.0)}  # USD per million tokens: prompt, reply
BEST = "sharp"
TIGHT_USD = 1.0


def config_of(server: FakeOpenAI, task: str, policy: str, seed: int, **changes: object) -> RunConfig:
    """What a run file with these three models says."""
    tables: list[dict[str, object]] = [
        {"name": name, "base_url": server.url, "price": {"prompt": prompt, "reply": reply}}
        for name, (prompt, reply) in PRICES.items()
    ]
    catalogue = build_catalogue([], tables, {})
    values: dict[str, object] = {
        "task": task,
        "seed": seed,
        "proposer": "openai",
        "bandit": policy,
        "models": catalogue.specs,
        "model_prices": dict(catalogue.prices),
        "workers": 2,
        "look_every": 0,
    }
    return build_config({**values, **changes})


def play(archive: Archive, config: RunConfig) -> str:
    """The id of a run that was searched to its end; no hold-out."""
    problem = registry.problem(config.task).configured(config.set)
    programs = founding_programs(config.task, [])
    run = new_run(archive, config, problem.task, programs, software_version(), timestamp())
    progress = Progress(task=run.task, run_id=run.id)
    asyncio.run(Lifecycle(archive, run, config, problem, progress, judge=False).conduct())
    return run.id


def quarters(attempts: Sequence[Attempt]) -> list[float]:
    """Share of the best model's attempts in each quarter of the run, by order of asks."""
    ends = [round(len(attempts) * k / 4) for k in range(5)]
    parts = [attempts[a:b] for a, b in pairwise(ends)]
    return [round(sum(attempt.proposer == BEST for attempt in part) / len(part), 3) for part in parts]


def replies_of(archive: Archive, run_id: str) -> list[ModelReply]:
    return [row for attempt in archive.attempts(run_id) for row in archive.replies(run_id, attempt.index)]


def figures(archive: Archive, run_id: str) -> dict[str, object]:
    attempts, rows, used = archive.attempts(run_id), replies_of(archive, run_id), usage(archive, run_id)
    best = max((row.evaluation.objective or -1.0 for row in archive.evaluations_of_run(run_id)), default=-1.0)
    return {
        "attempts": len(attempts),
        "share_of_best_by_quarter": quarters(attempts),
        "replies": len(rows),
        "replies_without_tokens_or_price": sum(
            row.price_usd is None or row.price_usd <= 0 or row.prompt_tokens <= 0 or row.reply_tokens <= 0
            for row in rows
        ),
        "usd": round(used.price_usd, 4),
        "best_search_score": round(best, 4),
    }


def compare_policies(task: str, attempts: int, seeds: Sequence[int], folder: Path) -> dict[str, object]:
    """Every policy on every seed; the mean share of the best model by quarter, and the runs."""
    runs: dict[str, list[dict[str, object]]] = {policy: [] for policy in POLICIES}
    for seed in seeds:
        with Archive.open(f"sqlite:///{folder}/{task}-{seed}.db") as archive:
            for policy in POLICIES:
                with fake_openai(
                    *(FakeModel(name=name, quality=q) for name, q in QUALITY.items()), seed=seed
                ) as server:
                    run_id = play(archive, config_of(server, task, policy, seed, attempts=attempts))
                found = figures(archive, run_id)
                print(task, seed, policy, found, flush=True)
                runs[policy].append({"seed": seed, "requests": server.num_requests, **found})
    return {policy: {**means(found), "runs": found} for policy, found in runs.items()}


def means(runs: Sequence[Mapping[str, object]]) -> dict[str, object]:
    shares = [run["share_of_best_by_quarter"] for run in runs]
    by_quarter = zip(*(share for share in shares if isinstance(share, list)), strict=True)
    usd = [run["usd"] for run in runs]
    return {
        "mean_share_of_best_by_quarter": [round(fmean(quarter), 3) for quarter in by_quarter],
        "mean_usd": round(fmean(value for value in usd if isinstance(value, float)), 3),
    }


def tight_budget(task: str, folder: Path) -> dict[str, object]:
    """A run that only its budget in USD ends."""
    models = [FakeModel(name=name, quality=quality) for name, quality in QUALITY.items()]
    with Archive.open(f"sqlite:///{folder}/{task}-tight.db") as archive, fake_openai(*models) as server:
        run_id = play(archive, config_of(server, task, "asymmetric", 0, usd=TIGHT_USD))
        found = figures(archive, run_id)
        unfinished = sum(not attempt.state.is_final for attempt in archive.attempts(run_id))
    return {"budget_usd": TIGHT_USD, **found, "requests": server.num_requests, "attempts_not_carried_out": unfinished}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", action="append", default=[], help="NAME:SEEDS, repeatable")
    parser.add_argument("--attempts", type=int, default=200)
    arguments = parser.parse_args()
    tasks = [part.partition(":") for part in arguments.task or ["toy:8", "expert_replication:1"]]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = {
            task: compare_policies(task, arguments.attempts, range(1, int(seeds or 1) + 1), folder)
            for task, _, seeds in tasks
        }
        write_result(
            "model_bandit",
            {
                "quality": QUALITY,
                "usd_per_million_tokens": PRICES,
                **found,
                "tight_budget": tight_budget("toy", folder),
            },
        )


if __name__ == "__main__":
    main()
