"""A run whose models fail in every way the stand-in knows, killed again and again, then replayed at no cost.

Three models: ``faulty`` fails a share of its calls in every way, ``mute`` never answers, ``bulky`` sends 10 MB. The
controller is killed (SIGKILL) a dozen times while calls are in flight and resumed. Then: every attempt told once, every
failure a row with its reason, no stored reply asked for again, and per kill no more requests without a row than calls
were in flight. The run is then repeated from its rows, and from an exported file into a fresh archive, and compared.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from archive.errors import ArchiveError
from archive.records import ModelReply
from archive.store import Archive
from benchmarks.repeatability import Scores, timeless
from benchmarks.stamp import write_result
from evaluators.contract import Split
from evaluators.jsonable import dumps
from tests.fake_openai import FakeModel, FakeOpenAI, fake_openai
from tests.fake_openai.faults import Fault, FaultPlan

SHARE = 0.3
TRY_TIMEOUT_S, PROPOSAL_S = 1.5, 6.0
KILL_WITHIN_S = (0.1, 3.0)  # after the first call of a session
PATIENCE_S = 60.0  # for a session to make its first call


def run_file(server: FakeOpenAI, task: str, attempts: int) -> str:
    """A run that repeats exactly, with short deadlines."""
    tables = [
        f'[[models]]\nname = "{name}"\nbase_url = "{server.url}"\ntry_timeout_s = {TRY_TIMEOUT_S}\n'
        "price = {prompt = 1.0, reply = 4.0}\n"
        for name in server.models
    ]
    head = f'task = "{task}"\nseed = 1\nattempts = {attempts}\nproposal_seconds = {PROPOSAL_S}\nworkers = 2\n'
    rest = 'order = "index"\nplanner_clock = "modelled"\nfinal_tier = "quick"\nfinalists = 1\n'
    return "\n".join([head + rest, *tables])


def started(words: Sequence[str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "evolve.cli", *words]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def ended(words: Sequence[str]) -> dict[str, object]:
    """What a run that must end printed."""
    done = subprocess.run([sys.executable, "-m", "evolve.cli", *words, "--json"], capture_output=True, text=True)
    if done.returncode not in (0, 3):
        raise SystemExit(f"evolve {' '.join(words)} ended with {done.returncode}: {done.stderr[-2000:]}")
    document: dict[str, object] = json.loads(done.stdout)
    return document


def run_ids(url: str) -> list[str]:
    try:
        with Archive.open(url, create=False, read_only=True) as archive:
            return [run.id for run in archive.runs()]
    except ArchiveError:  # not there yet
        return []


def rows_of(url: str) -> list[ModelReply]:
    """Every try of the archive's only run; none before there is one."""
    found = run_ids(url)
    if not found:
        return []
    with Archive.open(url, create=False, read_only=True) as archive:
        return [row for attempt in archive.attempts(found[0]) for row in archive.replies(found[0], attempt.index)]


def strike(server: FakeOpenAI, words: Sequence[str], rng: random.Random) -> int | None:
    """Kill a session while it asks; how many calls were in flight then, None if it ended before."""
    process, before = started(words), server.num_requests
    deadline_s = time.monotonic() + PATIENCE_S
    while server.num_requests == before and process.poll() is None and time.monotonic() < deadline_s:
        time.sleep(0.01)
    time.sleep(rng.uniform(*KILL_WITHIN_S))
    while not server.in_flight and process.poll() is None:
        time.sleep(0.002)
    if process.poll() is not None:
        return None
    asked, in_flight = server.num_requests, server.in_flight
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(0.05)  # what was sent before the kill arrives
    return in_flight + server.num_requests - asked


def torture(server: FakeOpenAI, folder: Path, task: str, attempts: int, kills: int) -> dict[str, object]:
    """The run, killed and resumed, and what its rows say."""
    url, rng = f"sqlite:///{folder}/killed.db", random.Random(1)
    (folder / "run.toml").write_text(run_file(server, task, attempts), encoding="utf-8")
    words = ["run", task, "--config", f"{folder}/run.toml", "--archive", url]
    struck: list[dict[str, int]] = []
    lost_rows = 0
    while len(struck) < kills:
        stored, asked = rows_of(url), server.num_requests
        in_flight = strike(server, words, rng)
        if in_flight is None:
            break
        words = ["resume", run_ids(url)[0], "--archive", url]
        rows = rows_of(url)
        lost_rows += len({key(row) for row in stored} - {key(row) for row in rows})
        without_row = server.num_requests - asked - (len(rows) - len(stored))
        struck.append({"in_flight": in_flight, "requests_without_row": without_row})
        print(struck[-1], flush=True)
    asked, stored = server.num_requests, rows_of(url)
    document = ended(words)
    rows = rows_of(url)
    return {
        "kills": len(struck),
        "strikes": struck,
        "most_requests_without_row_beyond_calls_in_flight": max(
            strike["requests_without_row"] - strike["in_flight"] for strike in struck
        ),
        "requests_of_the_last_session_less_its_rows": server.num_requests - asked - (len(rows) - len(stored)),
        "rows_lost": lost_rows,
        "requests": server.num_requests,
        "rows": len(rows),
        "questions_answered_twice": answered_twice(rows),
        "outcomes": document["outcomes"],
        **told_once(url, attempts),
        "rows_by_ending": dict(Counter(reason(row) for row in rows).most_common()),
        "failed_rows_without_detail": sum(row.finish_reason.strip() == "" for row in rows),
        "spent_usd": document["usd"],
    }


def key(row: ModelReply) -> tuple[object, ...]:
    return (row.attempt_index, row.ordinal, row.reply, row.finish_reason)


def answered_twice(rows: Sequence[ModelReply]) -> int:
    """Questions that got more than one usable answer: bought twice."""
    answers = Counter((row.attempt_index, row.prompt) for row in rows if row.finish_reason == "stop")
    return sum(count - 1 for count in answers.values())


def reason(row: ModelReply) -> str:
    """How a try ended, without the numbers in it."""
    return re.sub(r"\d+(\.\d+)?", "N", row.finish_reason)[:90]


def told_once(url: str, attempts: int) -> dict[str, object]:
    with Archive.open(url, create=False, read_only=True) as archive:
        told = [attempt.tell_order for attempt in archive.attempts(run_ids(url)[0])]
        unexplained = sum(
            attempt.candidate_id is None and not attempt.rejection for attempt in archive.attempts(run_ids(url)[0])
        )
    return {
        "attempts_wanted": attempts,
        "attempts_told_once": len({order for order in told if order is not None}),
        "attempts_without_program_or_reason": unexplained,
    }


def content(url: str, run_id: str) -> tuple[list[tuple[object, ...]], list[ModelReply], Scores]:
    """A run without its id and its clock: attempts, model calls, and every instance that is not of the hold-out.

    The secret of the hold-out is the archive's own. Who proposed is part of an attempt here.
    """
    with Archive.open(url, create=False, read_only=True) as archive:
        attempts = archive.attempts(run_id)
        rows = [replace(row, run_id="") for attempt in attempts for row in archive.replies(run_id, attempt.index)]
        wanted = {attempt.candidate_id for attempt in attempts}
        scores = {
            (s.candidate_id, str(s.evaluation.tier), str(s.evaluation.split)): [
                (i.name, i.outcome, i.score, dumps(i.metrics)) for i in s.evaluation.instances
            ]
            for s in archive.evaluations_for_run(run_id)
            if s.evaluation.split is not Split.HOLDOUT and s.candidate_id in wanted
        }
    return [(*timeless(attempt), attempt.proposer) for attempt in attempts], rows, scores


def replays(server: FakeOpenAI, folder: Path, task: str) -> dict[str, object]:
    """The run again: from its rows, and from an exported file in a fresh archive."""
    url, elsewhere = f"sqlite:///{folder}/killed.db", f"sqlite:///{folder}/elsewhere.db"
    (run_id,) = run_ids(url)
    asked = server.num_requests
    recorded = ["run", task, "--proposer", "recorded", "--workers", "2"]
    beside = ended([*recorded, "--from", run_id, "--archive", url])
    export = [sys.executable, "-m", "evolve.cli", "export", run_id, "--replies", "--out", str(folder), "--archive", url]
    subprocess.run(export, check=True, capture_output=True)
    away = ended([*recorded, "--replies", f"{folder}/{run_id}.replies.jsonl", "--archive", elsewhere])
    first = content(url, run_id)
    parts = ("attempts", "model_calls", "evaluations")
    compared = {
        name: dict(zip(parts, (a == b for a, b in zip(first, again, strict=True)), strict=True))
        for name, again in (
            ("from_the_archive", content(url, str(beside["run"]))),
            ("from_a_file_elsewhere", content(elsewhere, str(away["run"]))),
        )
    }
    return {
        "compared": {"attempts": len(first[0]), "model_calls": len(first[1]), "evaluations": len(first[2])},
        "identical": compared,
        "requests_made": server.num_requests - asked,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", default="toy")
    parser.add_argument("--attempts", type=int, default=200)
    parser.add_argument("--kills", type=int, default=12)
    arguments = parser.parse_args()
    models = [
        FakeModel(name="faulty", quality=0.9, latency_s=0.2, faults=FaultPlan(share=SHARE, faults=tuple(Fault))),
        FakeModel(name="mute", faults=FaultPlan(share=1.0, faults=(Fault.HANG,))),
        FakeModel(name="bulky", faults=FaultPlan(share=1.0, faults=(Fault.OVERSIZED,))),
    ]
    with tempfile.TemporaryDirectory() as name, fake_openai(*models) as server:
        folder = Path(name)
        figures = torture(server, folder, arguments.task, arguments.attempts, arguments.kills)
        print(json.dumps(figures, indent=1), flush=True)
        write_result(
            "model_faults", {"task": arguments.task, **figures, "replay": replays(server, folder, arguments.task)}
        )


if __name__ == "__main__":
    main()
