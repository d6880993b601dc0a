"""The script for a GPU: what it keeps, what it survives, how it goes on; and, slowly, all of it at toy sizes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from benchmarks import gpu
from benchmarks.gpu_book import Book, Status
from benchmarks.gpu_items import all_items
from benchmarks.gpu_pool import in_processes
from benchmarks.gpu_scale import Scale, dry_scale, full_scale
from benchmarks.gpu_worker import Item, Worker
from evaluators.kernels.shapes import Stage
from tests.evaluators.kernels.gpu_items_made_up import one_task

MADE_UP = "tests.evaluators.kernels.gpu_items_made_up"
ADDS = Item(name="adds", seconds=0, target=f"{MADE_UP}:adds", arguments=("2", "3"))
RAISES = Item(name="raises", seconds=0, target=f"{MADE_UP}:raises")
DIES = Item(name="dies", seconds=0, target=f"{MADE_UP}:dies")
NEVER_ENDS = Item(name="never ends", seconds=0, target=f"{MADE_UP}:never_ends")


@pytest.fixture(autouse=True)
def plain_main_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """A spawned process imports the main module of its parent, and other tests leave one there that cannot be."""
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))


@pytest.fixture(autouse=True)
def scratch_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What is no result goes to a folder that pytest clears away."""
    folder = str(tmp_path_factory.mktemp("scratch"))
    monkeypatch.setenv("TMPDIR", folder)
    monkeypatch.setattr(tempfile, "tempdir", folder)


@pytest.fixture
def scale(tmp_path: Path) -> Scale:
    return dry_scale(tmp_path)


@pytest.fixture
def worker(scale: Scale) -> Iterator[Worker]:
    made = Worker(scale, scale.out / "errors.txt")
    yield made
    made.stop()


def a_book(scale: Scale) -> Book:
    return Book(scale.book_path, dry=scale.dry)


def in_s(seconds: float) -> float:
    return time.monotonic() + seconds


def test_a_failed_item_is_recorded_and_the_rest_goes_on(scale: Scale) -> None:
    book = a_book(scale)
    assert gpu.run_slice(scale, book, [ADDS, RAISES, DIES, ADDS], end_s=in_s(600)) == 0
    assert book.results()["adds"]["sum"] == 5
    assert book.entries["raises"].status is Status.FAILED
    assert "RuntimeError: an illegal memory access was encountered" in book.entries["raises"].error
    assert book.entries["dies"].status is Status.FAILED


def test_items_share_a_process_until_one_fails(worker: Worker) -> None:
    first, second = worker.run(ADDS, 100), worker.run(ADDS, 100)
    assert worker.run(RAISES, 100) is None
    third = worker.run(ADDS, 100)
    assert first is not None
    assert second is not None
    assert third is not None
    assert first["process"] == second["process"] != third["process"]


def test_an_item_cut_by_the_end_of_a_slice_is_tried_again_once(scale: Scale) -> None:
    book = a_book(scale)
    assert gpu.run_slice(scale, book, [NEVER_ENDS], end_s=in_s(0.1)) == 1
    later = a_book(scale)
    assert later.is_open("never ends"), "the next slice starts it anew"
    assert gpu.run_slice(scale, later, [NEVER_ENDS], end_s=in_s(0.1)) == 0
    assert later.entries["never ends"].status is Status.FAILED


def test_what_does_not_fit_into_a_slice_is_left_for_the_next(scale: Scale) -> None:
    book = a_book(scale)
    long = Item(name="long", seconds=1000, target=ADDS.target, arguments=ADDS.arguments)
    assert gpu.run_slice(scale, book, [ADDS, long, RAISES], end_s=in_s(600)) == 2
    assert list(book.entries) == ["adds"], "the order is kept: later items may need earlier ones"


def test_a_slice_knows_what_earlier_ones_did(scale: Scale) -> None:
    gpu.run_slice(scale, a_book(scale), [ADDS], end_s=in_s(600))
    content = json.loads(scale.book_path.read_text())
    assert content["measured"] is False
    assert content["items"]["adds"]["status"] == "done"
    assert content["environment"]["libraries"].keys() == {"numpy", "scipy", "torch", "triton"}
    again = a_book(scale)
    assert not again.is_open("adds")
    assert again.results() == {"adds": content["items"]["adds"]["result"]}


def test_every_item_can_be_called_and_has_a_name_of_its_own(tmp_path: Path) -> None:
    pytest.importorskip("triton", reason="the items import Triton", exc_type=ImportError)
    code = (
        "import importlib, sys\n"
        "from pathlib import Path\n"
        "from benchmarks.gpu_items import all_items\n"
        "from benchmarks.gpu_scale import full_scale\n"
        "for item in all_items(full_scale(Path('.'), 16)):\n"
        "    module, _, function = item.target.partition(':')\n"
        "    assert callable(vars(importlib.import_module(module))[function]), item\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=200)
    items = all_items(full_scale(tmp_path, 16))
    assert len({item.name for item in items}) == len(items)
    assert max(item.seconds for item in items) < 200, "each fits into what is left of a lease"


def test_without_a_gpu_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "results"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gpu, "_sees_gpu", lambda: False)
        assert gpu.main(["--out", str(out)]) == 1
    assert capsys.readouterr().err.startswith("error: this script measures a CUDA GPU, and torch sees none")
    assert not out.exists()


def test_what_needs_no_gpu_runs_without_one_where_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [replace(ADDS, name="placement adds", needs_gpu=False), replace(ADDS, name="placement dies")]
    monkeypatch.setattr(gpu, "_sees_gpu", lambda: False)
    monkeypatch.setattr(gpu, "all_items", lambda _scale: items)
    assert gpu.main(["--out", str(tmp_path), "--only", "placement"]) == 0
    assert list(Book(tmp_path / "gpu.json", dry=False).entries) == ["placement adds"]


def test_a_process_that_dies_between_items_is_replaced(worker: Worker) -> None:
    first = worker.run(ADDS, 100)
    assert first is not None
    os.kill(first["process"], signal.SIGKILL)
    second = worker.run(ADDS, 100)
    assert second is None or second["process"] != first["process"]
    assert worker.run(ADDS, 100) is not None


def test_a_task_that_hangs_or_dies_costs_its_own_result() -> None:
    tasks = [(word,) for word in ("a", "hang", "b", "die", "c")]
    hung, died = "hangs: nothing came within 2 s", "its process died with exit status 9"
    for processes in (1, 3):
        assert in_processes(processes, one_task, tasks, limit_s=2.0) == ["a", hung, "b", died, "c"]
    assert in_processes(3, one_task, [], limit_s=1.0) == []


def test_a_script_that_is_terminated_ends_its_items(tmp_path: Path) -> None:
    told = tmp_path / "told"
    os.mkfifo(told)
    code = (
        "import time\n"
        "from pathlib import Path\n"
        "from benchmarks import gpu\n"
        "from benchmarks.gpu_worker import Item\n"
        "gpu.end_on_sigterm()\n"
        f"scale = gpu.dry_scale(Path({str(tmp_path)!r}))\n"
        f"target, told = {MADE_UP + ':tells_and_never_ends'!r}, {str(told)!r}\n"
        "item = Item(name='tells', seconds=1, target=target, arguments=(told,))\n"
        "book = gpu.Book(scale.book_path, dry=True)\n"
        "if __name__ == '__main__':\n"
        "    gpu.run_slice(scale, book, [item], time.monotonic() + 600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code]) as script:
        item = int(told.read_text())
        script.terminate()
        assert script.wait(60) == 128 + signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.kill(item, 0)


def test_results_are_all_that_lies_among_the_results(scale: Scale) -> None:
    gpu.run_slice(scale, a_book(scale), [ADDS, RAISES], end_s=in_s(600))
    assert {path.name for path in scale.out.iterdir()} == {"gpu.json", "gpu_summary.json"}


@pytest.mark.parametrize("words", [[], ["--dry-run-on-cpu", "--out", "here"]])
def test_a_measurement_names_its_folder_and_a_dry_run_has_none(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        gpu.main(words)
    assert ended.value.code == 2


def test_the_list_tells_what_is_open(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scale = full_scale(tmp_path, 16)
    Book(scale.book_path, dry=False).ended("ceilings", 3.0, result={})
    assert gpu.main(["--out", str(tmp_path), "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("done ") and line.endswith("  ceilings") for line in lines) == 1
    assert sum(line.startswith("open ") for line in lines) == len(lines) - 1


def test_the_list_needs_no_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert gpu.main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines
    assert all(line.startswith("open ") for line in lines)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_runs_kernels_runs_at_toy_sizes() -> None:
    """All but the programs of tasks, in Triton's interpreter."""
    pytest.importorskip("triton", reason="the items run Triton kernels", exc_type=ImportError)
    kinds = [item.name.split(" ")[0] for item in all_items(dry_scale(Path()))]
    only = [f"--only={kind}" for kind in dict.fromkeys(kinds) if kind not in ("program", "losses", "placement")]
    command = [sys.executable, "-m", "benchmarks.gpu", "--dry-run-on-cpu", "--seconds", "800", *only]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ}, timeout=880)
    assert done.returncode == 0, done.stderr
    out = Path(done.stdout.splitlines()[-1].removeprefix("results in ").split(";")[0])
    book = json.loads((out / "gpu.json").read_text())
    failed = {name: entry["error"] for name, entry in book["items"].items() if entry["status"] != "done"}
    assert not failed
    assert not [name for name, entry in book["items"].items() if entry["result"].get("wrong")]
    assert book["measured"] is False
    rows = json.loads((out / "gpu_summary.json").read_text())["rows"]
    assert {row["what"] for row in rows} >= {stage.value for stage in Stage} | {"ours", "grouped_mm", "looped"}
    assert len(list(out.glob("*.json"))) <= 8
