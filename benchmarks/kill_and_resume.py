"""Kills a run at random moments, resumes it, and counts what was lost.

Twice N kills: of the controller alone (SIGKILL), and of its whole process group. After each, every evaluation and
candidate committed before the kill must still be there, no process may be left, and at the end the run must have
exactly the attempts it was asked for, each told once.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.stamp import write_result

EVALUATIONS = "select candidate_id, tier, split, objective from evaluations"
REPLIES = "select attempt_index, candidate_id from attempts where candidate_id is not null"
TELLS = "select attempt_index, state, tell_order from attempts where tell_order is not null"
NUM_TELLS = "select count(*), count(distinct tell_order) from attempts where tell_order is not null"
DUPLICATES = """
    select count(*) from (
        select 1 from evaluations where outcome != 'infrastructure'
        group by candidate_id, tier, split, seeds, league
        having count(*) > 1
    )
"""


@dataclass(frozen=True)
class Committed:
    """What the archive held at some moment."""

    evaluations: frozenset[tuple[object, ...]]
    replies: frozenset[tuple[object, ...]]
    told: frozenset[tuple[object, ...]]


def read(path: Path) -> Committed:
    empty: frozenset[tuple[object, ...]] = frozenset()
    if not path.exists():
        return Committed(empty, empty, empty)
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)
    try:
        return Committed(
            frozenset(connection.execute(EVALUATIONS)),
            frozenset(connection.execute(REPLIES)),
            frozenset(connection.execute(TELLS)),
        )
    except sqlite3.OperationalError:  # killed before the tables were there
        return Committed(empty, empty, empty)
    finally:
        connection.close()


def descendants_alive(marker: str) -> list[int]:
    """Processes whose environment carries `marker` (workers), and the zygotes and children below them."""
    parents, marked = {}, set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text()
            environ = (entry / "environ").read_bytes()
        except OSError:
            continue
        fields = stat.rpartition(")")[2].split()
        if fields[0] != "Z":
            parents[int(entry.name)] = int(fields[1])
            if f"EVENKEEL_MARKER={marker}".encode() in environ:
                marked.add(int(entry.name))
    tree = set(marked)
    while more := {pid for pid, parent in parents.items() if parent in tree} - tree:
        tree |= more
    return sorted(tree - {os.getpid()})


def await_none_alive(marker: str, patience_s: float = 10.0) -> list[int]:
    deadline_s = time.monotonic() + patience_s
    while (alive := descendants_alive(marker)) and time.monotonic() < deadline_s:
        time.sleep(0.02)
    return alive


def command(path: Path, run_id: str | None, attempts: int, task: str) -> list[str]:
    base = [sys.executable, "-m", "evolve.cli"]
    archive = ["--archive", f"sqlite:///{path}", "--json"]
    if run_id is None:
        extra = ["--final-tier", "quick", "--finalists", "1", "--workers", "2"]
        return [*base, "run", task, "--seed", "1", "--attempts", str(attempts), *extra, *archive]
    return [*base, "resume", run_id, *archive]


def run_id_of(path: Path) -> str | None:
    if not path.exists():
        return None
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)
    try:
        row = connection.execute("select id from runs").fetchone()
    except sqlite3.OperationalError:
        row = None
    finally:
        connection.close()
    return str(row[0]) if row else None


def torture(kills: int, attempts: int, task: str, *, whole_group: bool, span_s: float, seed: int) -> dict[str, object]:
    rng = random.Random(seed)
    lost_evaluations = lost_replies = changed_tells = orphans = 0
    done_kills = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kill.db"
        marker = f"{os.getpid()}-{seed}-{whole_group}"
        environment = {**os.environ, "EVENKEEL_MARKER": marker}
        while done_kills < kills:
            process = subprocess.Popen(
                command(path, run_id_of(path), attempts, task),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
            )
            try:
                process.wait(timeout=rng.uniform(0.3, span_s))
            except subprocess.TimeoutExpired:
                before = read(path)
                (os.killpg if whole_group else os.kill)(process.pid, signal.SIGKILL)
                process.wait()
                done_kills += 1
            else:
                path.unlink()  # it ended before we struck: begin again
                continue
            orphans += len(await_none_alive(marker))
            after = read(path)
            lost_evaluations += len(before.evaluations - after.evaluations)
            lost_replies += len(before.replies - after.replies)
            changed_tells += len(before.told - after.told)
        words = command(path, run_id_of(path), attempts, task)
        final = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
        orphans += len(await_none_alive(marker))
        return {
            "kills": done_kills,
            "whole_group": whole_group,
            "lost_evaluations": lost_evaluations,
            "lost_replies": lost_replies,
            "changed_tells": changed_tells,
            "orphans": orphans,
            "final_exit": final.returncode,
            **final_counts(path, attempts),
        }


def final_counts(path: Path, attempts: int) -> dict[str, object]:
    connection = sqlite3.connect(path)
    try:
        told, orders = connection.execute(NUM_TELLS).fetchone()
        (duplicates,) = connection.execute(DUPLICATES).fetchone()
    finally:
        connection.close()
    return {
        "attempts_wanted": attempts,
        "attempts_told": told,
        "distinct_tell_orders": orders,
        "duplicated_evaluations": duplicates,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--attempts", type=int, default=60)
    parser.add_argument("--task", default="expert_replication")
    parser.add_argument("--span", type=float, default=9.0, help="seconds within which each kill falls")
    arguments = parser.parse_args()
    figures = {
        name: torture(
            arguments.kills, arguments.attempts, arguments.task, whole_group=group, span_s=arguments.span, seed=number
        )
        for number, (name, group) in enumerate({"controller": False, "process_group": True}.items())
    }
    write_result("kill_and_resume", figures)


if __name__ == "__main__":
    main()
