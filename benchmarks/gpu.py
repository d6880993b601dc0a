"""Everything that Evenkeel needs a GPU for: ``python -m benchmarks.gpu --out DIR --seconds 540``, until it is done.

Each item runs once, those that matter most first; a failed one is recorded with its error and the rest goes on. Start
it again with the same folder and it goes on where the last slice ended, also on another machine. Needs numpy, scipy,
torch and triton. What the figures mean: docs/gpu.md.
"""

from __future__ import annotations

import argparse
import math
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.gpu_book import Book, Entry, Status
from benchmarks.gpu_items import all_items
from benchmarks.gpu_scale import Scale, dry_scale, full_scale
from benchmarks.gpu_summary import write_summary
from benchmarks.gpu_worker import Item, Worker

NO_GPU = (
    "this script measures a CUDA GPU, and torch sees none on this machine "
    "(--dry-run-on-cpu tries the script out, --only placement needs none)"
)
PATIENCE = 2.0  # times an item's seconds before it is stopped
STARTING_S = 40.0  # that an item may take longer because it starts a process, or compiles what nobody did ahead
SLICE_S = 540.0
DRY_PATIENCE = 10.0  # the same in Triton's interpreter, on a machine that does other things too
CLOSING_S = 5.0  # of a slice that are kept for its end


def parser() -> argparse.ArgumentParser:
    """The command line."""
    commands = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    commands.add_argument("--out", type=Path, help="folder of the results; the same one goes on")
    text = f"of this slice, all in all; default {SLICE_S:g}, and no limit in a dry run"
    commands.add_argument("--seconds", type=float, help=text)
    commands.add_argument("--only", action="append", default=[], metavar="NAME", help="items whose name starts so")
    commands.add_argument("--again", action="append", default=[], metavar="NAME", help="done or failed items to redo")
    commands.add_argument(
        "--commit", default="", help="of a copy that git does not know, to be kept beside the results"
    )
    commands.add_argument("--list", action="store_true", help="print the items and what became of them")
    commands.add_argument("--dry-run-on-cpu", action="store_true", help="toy sizes, no GPU, into a temporary folder")
    return commands


def main(words: Sequence[str] | None = None) -> int:
    """Exit status: 0 nothing left to do, 1 no GPU or bad input, 2 usage, 3 items are left for the next slice."""
    begun_s = time.monotonic()
    commands = parser()
    arguments = commands.parse_args(words)
    dry = arguments.dry_run_on_cpu
    if arguments.list and arguments.out is None and not dry:
        return _list(full_scale(Path(), os.cpu_count() or 1), begun=False)
    if dry == (arguments.out is not None):
        commands.error("say --out DIR for a measurement, or --dry-run-on-cpu without it")
    out = Path(tempfile.mkdtemp(prefix="evenkeel-gpu-")) if dry else arguments.out.resolve()
    scale = dry_scale(out) if dry else full_scale(out, os.cpu_count() or 1)
    if arguments.list:
        return _list(scale)
    if dry:
        os.environ["TRITON_INTERPRET"] = "1"  # for the worker, which imports triton
    wanted = [item for item in all_items(scale) if _matches(item.name, arguments.only or [""])]
    if not dry and not _sees_gpu():
        wanted = [item for item in wanted if arguments.only and not item.needs_gpu]
        if not wanted:
            sys.stderr.write(f"error: {NO_GPU}\n")
            return 1
    out.mkdir(parents=True, exist_ok=True)
    book = Book(scale.book_path, dry=dry, commit_of_copy=arguments.commit)
    seconds = arguments.seconds or (math.inf if dry else SLICE_S)
    left = run_slice(scale, book, _due(book, wanted, arguments.again), begun_s + seconds - CLOSING_S)
    print(write_summary(scale, book.results()))
    print(f"results in {out}; {left} items left")
    return 3 if left else 0


def run_slice(scale: Scale, book: Book, due: Sequence[Item], end_s: float) -> int:
    """Run what fits before `end_s` of the monotonic clock, and keep each result at once; how many items are left."""
    worker = Worker(scale, scale.scratch() / "errors.txt")
    waiting, cut = list(due), 0
    try:
        while waiting and (room_s := end_s - time.monotonic()) >= waiting[0].seconds:
            cut += run_item(worker, book, waiting.pop(0), room_s) is Status.CUT
            write_summary(scale, book.results())
    finally:
        worker.stop()
    return cut + sum(not item.every_slice for item in waiting)


def run_item(worker: Worker, book: Book, item: Item, room_s: float) -> Status:
    """Run one item and keep what became of it."""
    begun_s = time.monotonic()
    patience_s = (DRY_PATIENCE if worker.scale.dry else PATIENCE) * item.seconds + STARTING_S
    try:
        result = worker.run(item, min(patience_s, room_s))
    except TimeoutError as late:
        said = f"{worker.last_words()}\n{late}"
        entry = book.ended(item.name, time.monotonic() - begun_s, error=said, cut=room_s < patience_s)
    else:
        said = "" if result is not None else worker.last_words() or "the process died without a word"
        entry = book.ended(item.name, time.monotonic() - begun_s, result=result, error=said)
    print(f"{entry.status:6s} {entry.seconds:7.1f} s  {item.name}{_remark(entry)}", flush=True)
    return entry.status


def _due(book: Book, items: Sequence[Item], again: Sequence[str]) -> list[Item]:
    redo = [name for name in again if name]
    return [item for item in items if item.every_slice or book.is_open(item.name) or _matches(item.name, redo)]


def _matches(name: str, beginnings: Sequence[str]) -> bool:
    return any(name.startswith(beginning) for beginning in beginnings)


def _remark(entry: Entry) -> str:
    """The last line of an error, or how many results are wrong."""
    lines, wrong = entry.error.strip().splitlines(), entry.result.get("wrong", ())
    if lines:
        return f": {lines[-1][:160]}"
    return f": {len(wrong)} WRONG" if wrong else ""


def _list(scale: Scale, *, begun: bool = True) -> int:
    """The items, and what became of them in the scale's folder where a measurement has `begun`."""
    entries = Book(scale.book_path, dry=scale.dry).entries if begun else {}
    for item in all_items(scale):
        status = entries[item.name].status if item.name in entries else "open"
        print(f"{status:6s} {item.seconds:5.0f} s  {item.name}")
    return 0


def _sees_gpu() -> bool:
    try:
        import torch
    except ImportError:
        return False
    return bool(torch.cuda.is_available())


def end_on_sigterm() -> None:
    """Have a plain kill end the processes of the items too: one with a kernel in flight would keep the GPU busy."""
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))


if __name__ == "__main__":
    end_on_sigterm()
    sys.exit(main())
