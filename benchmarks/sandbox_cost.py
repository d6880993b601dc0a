"""What a sandboxed child costs: forked, confined, loaded with a program, called once, killed and reaped.

One sandbox per set of libraries; torch is measured where it is installed. Figures are milliseconds of wall time of the
worker; the load of the machine during the measurement stands beside them.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from collections.abc import Callable
from statistics import median

import numpy as np

from benchmarks.stamp import write_result
from evaluators.candidate import ReplyField
from evaluators.contract import Limits
from evaluators.sandbox.client import Sandbox

CHILDREN = 200
CALLS = 2000
LIBRARIES = {"numpy": ("numpy",), "scipy": ("scipy",), "torch": ("torch",)}
LIMITS = Limits(wall_s=20.0, cpu_s=10.0, call_wall_s=10.0)
PROGRAM = "import {library}\ndef double(x):\n    return x + x\n"
SCALAR = (ReplyField(name="y", dtype="float64", shape=()),)
MEGABYTE = np.ones(1 << 17)
LARGE = (ReplyField(name="y", dtype="float64", shape=MEGABYTE.shape),)


def child_cost(sandbox: Sandbox, library: str) -> dict[str, float]:
    """Quantiles over many children."""
    source, costs_ms = PROGRAM.format(library=library), []
    for index in range(CHILDREN + 5):
        began_s = time.perf_counter()
        with sandbox.candidate(source, LIMITS) as child:
            child.function("double", [1.0], SCALAR)
        if index >= 5:
            costs_ms.append(1e3 * (time.perf_counter() - began_s))
    low, high = np.quantile(costs_ms, [0.05, 0.95])
    return {"median_ms": round(median(costs_ms), 2), "p5_ms": round(float(low), 2), "p95_ms": round(float(high), 2)}


def call_cost(sandbox: Sandbox) -> dict[str, float]:
    """Median microseconds of a call with a number, and with a megabyte there and back."""
    with sandbox.candidate(PROGRAM.format(library="numpy"), LIMITS) as child:
        small = [timed_us(lambda: child.function("double", [1.0], SCALAR)) for _ in range(CALLS)]
        large = [timed_us(lambda: child.function("double", [MEGABYTE], LARGE)) for _ in range(CALLS // 10)]
    return {"scalar_us": round(median(small), 1), "megabyte_both_ways_us": round(median(large), 1)}


def timed_us(call: Callable[[], object]) -> float:
    """Microseconds of one call."""
    began_s = time.perf_counter()
    call()
    return 1e6 * (time.perf_counter() - began_s)


def start_cost(libraries: tuple[str, ...]) -> tuple[Sandbox, float]:
    """A sandbox, and the seconds until its zygote serves (the self-test remembered)."""
    Sandbox.start(libraries).close()
    began_s = time.perf_counter()
    return Sandbox.start(libraries), round(time.perf_counter() - began_s, 3)


def main() -> None:
    figures: dict[str, object] = {}
    for library, libraries in LIBRARIES.items():
        if importlib.util.find_spec(library) is None:
            sys.stderr.write(f"{library} is not installed: not measured\n")
            continue
        load = os.getloadavg()[0]
        sandbox, start_s = start_cost(libraries)
        with sandbox:
            figures[library] = {
                "child": child_cost(sandbox, library),
                "call": call_cost(sandbox),
                "start_s": start_s,
                "layers": sandbox.layers,
                "load_before": round(load, 2),
            }
    write_result("sandbox_cost", {"children": CHILDREN, **figures})


if __name__ == "__main__":
    main()
