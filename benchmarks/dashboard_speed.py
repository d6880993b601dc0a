"""How fast the dashboard's pages are on a large archive, and whether they disturb runs that write.

Usage: ``python -m benchmarks.dashboard_speed [--size 100000] [--minutes 10] [--folder KEEP_ARCHIVE_HERE]``

One run of `size` attempts with a tree of ancestry, scored on twelve instances each, is filled in (`archive_cost`). A
server of its own serves it to Chromium: each page is opened in a fresh tab, once cold and `REPEATS` times warm, from
navigation until its last figure is drawn. Then two processes archive attempts, one every 0.2 s each, with the six
transactions of a real one, first alone for a fifth of the time, then while three tabs follow the runs. A beat is missed
if it begins 0.2 s late or later; the times are of whole attempts, all transactions together. CPU seconds are the
server's; they do not depend on what else the machine does, wall seconds do.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np
from playwright.sync_api import Page, sync_playwright
from sqlalchemy import text
from streamlit.testing.v1 import AppTest

from archive import marks, queries, run_summaries, run_views, views
from archive.records import Candidate, RunStatus, candidate_id
from archive.store import Archive
from benchmarks import archive_cost
from benchmarks.stamp import write_result
from dashboard.launch import server_command, server_environment
from dashboard.settings import ARCHIVE_VARIABLE
from dashboard.views.fold import RunFold

REPEATS = 5
BEAT_S = 0.2
PORT = 8599
_PLANT_TREE = """
UPDATE attempts SET operator = CASE attempt_index % 3 WHEN 0 THEN 'mutate' WHEN 1 THEN 'crossover' ELSE 'repair' END,
    parent_id = COALESCE((SELECT made.candidate_id FROM attempts AS made WHERE made.run_id = attempts.run_id
        AND made.attempt_index = attempts.attempt_index / 2 AND attempts.attempt_index > 0), parent_id)
"""
_DRAWN = """() => {
    const app = document.querySelector('[data-testid="stApp"]');
    if (!app || app.dataset.testScriptState !== 'notRunning' || !document.body.innerText.includes('for reading only'))
        return false;
    return [...document.querySelectorAll('[data-testid=stVegaLiteChart]')]
        .every(chart => chart.offsetParent === null || chart.querySelector('canvas, svg'));
}"""


@dataclass(frozen=True, slots=True)
class Server:
    """A serving process."""

    pid: int
    url: str

    def cpu_s(self) -> float:
        """User and system time so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self, kind: str = "VmHWM") -> float:
        """Resident memory, the highest so far or (``VmRSS``) now."""
        lines = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(kind)) / 1024


def filled(url: str, size: int) -> None:
    """Archives the large run, unless it is there already."""
    with Archive.open(url) as archive:
        if any(run.id == archive_cost.RUN_ID for run in archive.runs()):
            return
        archive_cost.fill(archive, size, archive_cost.begin(archive))
        with archive._database.writing() as connection:
            connection.execute(text(_PLANT_TREE))


@contextmanager
def serving(url: str, folder: Path) -> Iterator[Server]:
    command = server_command(PORT, "127.0.0.1", headless=True)
    environment = server_environment(os.environ, url, [])
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if "URL:" in line:
                break
        yield Server(process.pid, f"http://127.0.0.1:{PORT}")
    finally:
        process.terminate()
        process.wait()


def opened(page: Page, server: Server, path: str) -> dict[str, float]:
    """Seconds from navigation until all is drawn, and the server's CPU in them."""
    cpu_s, began_s = server.cpu_s(), time.perf_counter()
    page.goto(server.url + path)
    page.wait_for_function(_DRAWN, polling=20)
    return {"wall_s": time.perf_counter() - began_s, "server_cpu_s": server.cpu_s() - cpu_s}


def page_figures(server: Server, paths: dict[str, str]) -> dict[str, object]:
    figures: dict[str, object] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, path in paths.items():
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            cold = opened(page, server, path)
            warm = [opened(page, server, path) for _ in range(REPEATS)]
            page.close()
            medians = {key: round(median(found[key] for found in warm), 3) for key in warm[0]}
            figures[name] = {"cold": {key: round(value, 3) for key, value in cold.items()}, "warm_median": medians}
        browser.close()
    return figures


def query_figures(url: str, program: str) -> dict[str, object]:
    """Milliseconds of CPU of each question, in this process."""
    run_id = archive_cost.RUN_ID
    with Archive.open(url, read_only=True) as archive:
        fold = RunFold()
        began_cpu_s = time.process_time()
        for told in run_views.told_after(archive, run_id):
            fold.add(told)
        first_fold_s = time.process_time() - began_cpu_s
        questions: dict[str, Callable[[int], object]] = {
            "leaderboard_of_100": lambda _: queries.leaderboard(archive),
            "outcomes_by_league": lambda _: views.league_outcomes(archive),
            "run_summaries": lambda _: run_summaries.run_summaries(archive),
            "told_since_last_look": lambda _: list(run_views.told_after(archive, run_id, fold.last_tell - 10)),
            "usage": lambda _: queries.usage(archive, run_id),
            "scatter_of_3000": lambda _: marks.score_marks(archive, run_id, marks.ColourBy.OPERATOR),
            "lineage": lambda _: queries.lineage(archive, run_id, program),
            "evaluations_of_candidate": lambda _: archive.evaluations(program),
        }
        costs = {name: archive_cost.cost_of(question, 7) for name, question in questions.items()}
    return {"first_look_at_the_run_cpu_s": round(first_fold_s, 3), **costs}


def refresh_figures(url: str) -> dict[str, float]:
    """One run of the whole run page's script on the large run, once everything is warm; a refresh runs most of it."""
    os.environ[ARCHIVE_VARIABLE] = url

    def script(run_id: str) -> None:
        import streamlit

        from dashboard.screens.run import page

        streamlit.query_params["run"] = run_id
        page()

    app = AppTest.from_function(script, args=(archive_cost.RUN_ID,), default_timeout=120).run()
    if app.exception:
        raise RuntimeError(app.exception[0].message)
    return archive_cost.cost_of(lambda _: app.run(), 10)


def write_attempts(url: str, run_id: str, seconds: float) -> None:
    """The writer's process: attempts on the beat; prints what it measured."""
    archive_cost.RUN_ID = run_id
    run = archive_cost.RUN
    with Archive.open(url) as archive:
        archive.add_run(replace(run, id=run_id, created_at="2027-01-01T00:00:00+00:00", status=RunStatus.RUNNING))
        archive.take_lease(run_id, "benchmark", time.time(), seconds + 60)
        parent_id = candidate_id(archive_cost.source_of(0))
        record_s, late_s = [], []
        began_s = time.perf_counter()
        for index in range(int(seconds / BEAT_S)):
            due_s = began_s + index * BEAT_S
            time.sleep(max(0.0, due_s - time.perf_counter()))
            start_s = time.perf_counter()
            late_s.append(start_s - due_s)
            source = f"{run_id} = {index}\n" + archive_cost.PROGRAM
            archive_cost.carry_attempt(archive, index, parent_id, Candidate.of(source))
            record_s.append(time.perf_counter() - start_s)
        archive.release_lease(run_id, "benchmark")
        archive.set_run_status(run_id, RunStatus.FINISHED)
    figures = {
        "attempts": len(record_s),
        "missed_beats": sum(late >= BEAT_S for late in late_s),
        "attempt_of_eight_commits_ms": {
            f"p{p}": round(1e3 * float(np.percentile(record_s, p)), 2) for p in (50, 95, 99)
        },
        "latest_beat_ms": round(1e3 * max(late_s), 1),
    }
    print(json.dumps(figures))


def writing(url: str, seconds: float) -> tuple[list[str], list[subprocess.Popen[str]]]:
    """Two writers that have just begun, and the runs that they write."""
    words = [sys.executable, "-m", "benchmarks.dashboard_speed", "--write"]
    names = [f"w{int(time.time()) % 10**6}{side}" for side in "ab"]
    return names, [
        subprocess.Popen([*words, url, name, str(seconds)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for name in names
    ]


def finished(writers: list[subprocess.Popen[str]]) -> list[dict[str, object]]:
    """What the writers measured."""
    said = [writer.communicate() for writer in writers]
    return [json.loads(out) if out else {"failed": err[-400:]} for out, err in said]


def load_figures(server: Server, url: str, seconds: float, program: str) -> dict[str, object]:
    """Two writers and three tabs, for a while."""
    alone = finished(writing(url, seconds / 5)[1])
    names, writers = writing(url, seconds)
    time.sleep(2.0)
    cpu_s, began_s = server.cpu_s(), time.perf_counter()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        pages = [browser.new_page(viewport={"width": 1280, "height": 900}) for _ in range(3)]
        for page, path in zip(pages, (f"/run?run={names[0]}", f"/run?run={names[1]}", "/"), strict=True):
            opened(page, server, path)
        reloads = 0
        while any(writer.poll() is None for writer in writers):
            pages[0].wait_for_timeout(10_000)
            opened(pages[2], server, "/" if reloads % 2 else f"/candidate?id={program[:12]}")
            reloads += 1
        errors = sum(page.get_by_test_id("stAlertContentError").count() for page in pages)
        browser.close()
    used_s, elapsed_s = server.cpu_s() - cpu_s, time.perf_counter() - began_s
    return {
        "seconds": round(elapsed_s),
        "writers_alone": alone,
        "writers": finished(writers),
        "load_average_1_min": round(os.getloadavg()[0], 1),
        "reloads_of_the_third_tab": reloads,
        "error_messages_in_tabs": errors,
        "server_cpu_share": round(used_s / elapsed_s, 3),
        "server_memory_mb": round(server.memory_mb(), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--minutes", type=float, default=10.0, help="of two writers and three tabs; 0: not at all")
    parser.add_argument("--folder", type=Path, help="where the archive is kept for a further call")
    parser.add_argument("--write", nargs=3, metavar=("URL", "RUN", "SECONDS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        write_attempts(options.write[0], options.write[1], float(options.write[2]))
        return
    with tempfile.TemporaryDirectory() as folder:
        place = options.folder or Path(folder)
        url = f"sqlite:///{place}/large.db"
        filled(url, options.size)
        program = candidate_id(archive_cost.source_of(options.size - 1))
        run_id = archive_cost.RUN_ID
        paths = {"leaderboard": "/", "candidate": f"/candidate?id={program[:12]}", "run": f"/run?run={run_id}"}
        paths |= {"map": f"/map?run={run_id}", "trust": "/trust"}
        figures: dict[str, object] = {"candidates": options.size, "queries": query_figures(url, program)}
        figures["live_refresh"] = refresh_figures(url)
        with serving(url, place) as server:
            figures["pages"] = page_figures(server, paths)
            figures["server_memory_mb_after_all_pages"] = round(server.memory_mb(), 1)
            if options.minutes:
                figures["beside_two_runs"] = load_figures(server, url, options.minutes * 60, program)
    write_result("dashboard_speed", figures)


if __name__ == "__main__":
    main()
