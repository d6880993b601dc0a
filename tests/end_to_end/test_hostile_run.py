"""A run whose proposals are all hostile: each gets its outcome, and the run goes on to the honest one."""

from __future__ import annotations

import json
from pathlib import Path

from archive.store import Archive
from evaluators.contract import Outcome, Split
from tests.end_to_end.commands import evolve_json

POLICY = """
import os
import numpy as np


class Policy:
    def __init__(self, config):
        self.config = config

    def plan(self, loads, samples, placement, window):
        {body}
"""
KEEP = "return {'placement': placement}"
BODIES: dict[str, tuple[str, Outcome]] = {
    "loops": ("while True: pass", Outcome.TIMED_OUT),
    "allocates 50 GB": ("np.ones(50 << 27)", Outcome.OUT_OF_MEMORY),
    "forks": (f"os.fork(); {KEEP}", Outcome.CRASHED),
    "exits with success": ("os._exit(0)", Outcome.CRASHED),
    "prints 100 MB": (f"print('x' * (100 << 20)); {KEEP}", Outcome.INVALID),
    "returns NaN": ("return {'placement': placement * np.nan}", Outcome.INVALID),
    "returns a wrong shape": ("return {'placement': placement[:, 1:]}", Outcome.INVALID),
    "returns 2 MB": ("return {'placement': np.zeros(1 << 18, np.int64)}", Outcome.INVALID),
    "puts an expert twice on a GPU": (
        "twice = placement.copy(); twice[:, 1] = twice[:, 0]; return {'placement': twice}",
        Outcome.INVALID,
    ),
    "is honest": (KEEP, Outcome.SCORED),
}


def test_every_hostile_program_gets_its_outcome_and_the_run_goes_on(tmp_path: Path) -> None:
    sources = {what: POLICY.format(body=body) for what, (body, _) in BODIES.items()}
    lines = [json.dumps({"source": source}) for source in sources.values()]
    (tmp_path / "replies.jsonl").write_text("\n".join(lines))
    (tmp_path / "run.toml").write_text(
        "racing = 0.0\n"
    )  # the honest one is worse than its parent, and would be stopped
    words = (
        "run",
        "expert_replication",
        "--proposer",
        "recorded",
        "--replies",
        "replies.jsonl",
        "--seed",
        "1",
        "--config",
        "run.toml",
    )
    small = ("--set", "experts=16", "--set", "gpus=4", "--set", "layers=2", "--set", "nodes=1")
    budget = ("--attempts", str(len(lines)), "--finalists", "0", "--final-tier", "quick")
    found = evolve_json(tmp_path, *words, *small, *budget)
    assert found["attempts"] == len(lines)
    with Archive.open(f"sqlite:///{tmp_path}/evenkeel.db") as archive:
        by_source = {
            archive.candidate(a.candidate_id or "").source: a.candidate_id or ""
            for a in archive.attempts(str(found["run"]))
        }
        ends = {
            what: [
                s.evaluation.outcome
                for s in archive.evaluations(by_source[source])
                if s.evaluation.split is Split.SEARCH
            ][-1]
            for what, source in sources.items()
        }
    assert ends == {what: outcome for what, (_, outcome) in BODIES.items()}
