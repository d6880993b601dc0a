"""Shapes of graphs: which tasks there are, of which kind, how large, and which need which.

A shape is drawn for about so many tasks, in relative sizes of work and data; `outline_of` gives them units.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

TASK_US = 1000.0  # of a unit of work
EDGE_BYTES = 1e6  # of a unit of data

Draw = Callable[["Outline", int, np.random.Generator], None]


@dataclass(slots=True)
class Outline:
    """A graph without processors; tasks are added in an order in which they could run."""

    kinds: list[str] = field(default_factory=list)
    work: list[float] = field(default_factory=list)
    edges: list[tuple[int, int, float]] = field(default_factory=list)  # from, to, data

    def add(self, kind: str, work: float, needs: Sequence[int] = (), data: float = 1.0) -> int:
        """A further task, which needs the data of `needs`; its number."""
        self.kinds.append(kind)
        self.work.append(work)
        task = len(self.work) - 1
        self.edges += [(source, task, data) for source in dict.fromkeys(needs)]
        return task


def random_layers(outline: Outline, size: int, rng: np.random.Generator) -> None:
    """Layers of random widths, the square root of `size` of them times 0.5 to 2; a task needs 1 to 4 earlier ones.

    Source: after the generator of Topcuoglu, Hariri and Wu, IEEE TPDS 13 (2002).
    """
    _layers(outline, size, float(rng.choice([0.5, 1.0, 2.0])), rng)


def stretched(outline: Outline, size: int, rng: np.random.Generator) -> None:
    """The same, but far deeper or far wider."""
    _layers(outline, size, float(rng.choice([0.3, 3.5])), rng)


def _layers(outline: Outline, size: int, alpha: float, rng: np.random.Generator) -> None:
    depth = max(2, round(np.sqrt(size) / alpha))
    counts = 1 + rng.multinomial(max(size - depth, 0), rng.dirichlet(np.full(depth, 4.0)))
    layers: list[list[int]] = []
    for count in counts.tolist():
        layers.append([_random_task(outline, layers, rng) for _ in range(count)])


def _random_task(outline: Outline, layers: Sequence[Sequence[int]], rng: np.random.Generator) -> int:
    work = float(rng.uniform(0.05, 2.0))
    if not layers:
        return outline.add("", work)
    near = layers[-1] if len(layers) == 1 or rng.random() < 0.7 else layers[int(rng.integers(len(layers) - 1))]
    needs = [int(rng.choice(layers[-1]))]
    needs += rng.choice(near, size=min(len(near), int(rng.integers(0, 4))), replace=False).tolist()
    task = outline.add("", work, needs)
    first = len(outline.edges) - len(set(needs))
    outline.edges[first:] = [(source, to, float(rng.uniform(0.0, 2.0))) for source, to, _ in outline.edges[first:]]
    return task


def fourier(outline: Outline, size: int, rng: np.random.Generator) -> None:
    """A fast Fourier transform: recursive calls as a tree, then butterflies.

    Source: after the graph of Topcuoglu et al. 2002.
    """
    del rng
    levels = min(range(1, 9), key=lambda m: abs(2 ** (m + 1) - 1 + m * 2**m - size))
    calls = [outline.add("call", 0.4)]
    for _ in range(levels):
        calls = [outline.add("call", 0.4, [call]) for call in calls for _ in range(2)]
    for level in range(levels):
        calls = [outline.add("butterfly", 1.0, [call, calls[place ^ (1 << level)]]) for place, call in enumerate(calls)]


def gaussian(outline: Outline, size: int, rng: np.random.Generator) -> None:
    """Gaussian elimination of a matrix by columns: pivots one after the other, updates beside each other.

    Source: after the graph of Topcuoglu et al. 2002.
    """
    del rng
    order = max(3, round((np.sqrt(8 * size + 9) - 1) / 2))
    columns: list[int] = []
    for step in range(order - 1):
        left = (order - step) / order
        pivot = outline.add("pivot", left, columns[:1], left)
        columns = [
            outline.add("update", 2 * left, [pivot, *columns[place + 1 : place + 2]], left)
            for place in range(order - step - 1)
        ]


def cholesky(outline: Outline, size: int, rng: np.random.Generator) -> None:
    """A Cholesky factorization in square tiles.

    Source: Agullo et al., "Are static schedules so bad? A case study on Cholesky factorization", IPDPS 2016.
    """
    del rng
    tiles = min(range(2, 14), key=lambda n: abs(n * (n + 1) * (n + 2) // 6 - size))
    last: dict[tuple[int, int], int] = {}
    for k in range(tiles):
        last[k, k] = outline.add("potrf", 1 / 3, _of(last, (k, k)))
        for i in range(k + 1, tiles):
            last[i, k] = outline.add("trsm", 1.0, [last[k, k], *_of(last, (i, k))])
        for i in range(k + 1, tiles):
            for j in range(k + 1, i):
                last[i, j] = outline.add("gemm", 2.0, [last[i, k], last[j, k], *_of(last, (i, j))])
            last[i, i] = outline.add("syrk", 1.0, [last[i, k], *_of(last, (i, i))])


def _of(last: dict[tuple[int, int], int], tile: tuple[int, int]) -> list[int]:
    return [last[tile]] if tile in last else []


def lu(outline: Outline, size: int, rng: np.random.Generator) -> None:
    """An LU factorization in square tiles, without pivoting."""
    del rng
    tiles = min(range(2, 12), key=lambda n: abs(n * (n + 1) * (2 * n + 1) // 6 - size))
    last: dict[tuple[int, int], int] = {}
    for k in range(tiles):
        last[k, k] = outline.add("getrf", 2 / 3, _of(last, (k, k)))
        for i in range(k + 1, tiles):
            last[k, i] = outline.add("trsm", 1.0, [last[k, k], *_of(last, (k, i))])
            last[i, k] = outline.add("trsm", 1.0, [last[k, k], *_of(last, (i, k))])
        for i in range(k + 1, tiles):
            for j in range(k + 1, tiles):
                last[i, j] = outline.add("gemm", 2.0, [last[i, k], last[k, j], *_of(last, (i, j))])


def qr(outline: Outline, size: int, rng: np.random.Generator) -> None:
    """A QR factorization in square tiles, each column reduced from the top.

    Source: after Buttari, Langou, Kurzak and Dongarra, Parallel Computing 35 (2009).
    """
    del rng
    tiles = min(range(2, 12), key=lambda n: abs(n * (n + 1) * (2 * n + 1) // 6 - size))
    last: dict[tuple[int, int], int] = {}
    for k in range(tiles):
        last[k, k] = outline.add("geqrt", 4 / 3, _of(last, (k, k)))
        for j in range(k + 1, tiles):
            last[k, j] = outline.add("ormqr", 2.0, [last[k, k], *_of(last, (k, j))])
        for i in range(k + 1, tiles):
            last[k, k] = last[i, k] = outline.add("tsqrt", 2.0, [last[k, k], *_of(last, (i, k))])
            for j in range(k + 1, tiles):
                needs = [last[i, k], last[k, j], *_of(last, (i, j))]
                last[k, j] = last[i, j] = outline.add("tsmqr", 4.0, needs)


def montage(outline: Outline, size: int, rng: np.random.Generator) -> None:
    """A mosaic of the sky: images projected, overlaps fitted, a model of the background, images corrected, then added.

    Source: after Juve et al., "Characterizing and profiling scientific workflows", FGCS 29 (2013).
    """
    images = max(2, round((size - 6) / 4))
    raw = [outline.add("project", float(rng.uniform(1.2, 1.8))) for _ in range(images)]
    pairs = [(i, i + 1) for i in range(images - 1)] + [(i, i + 2) for i in range(images - 2)]
    fits = [outline.add("fit", float(rng.uniform(0.7, 1.2)), [raw[i], raw[j]]) for i, j in pairs]
    joined = outline.add("concat", 0.6, fits, 0.05)
    model = outline.add("model", 1.5, [joined], 0.1)
    corrected = [outline.add("correct", float(rng.uniform(0.7, 1.2)), [model], 0.05) for _ in raw]
    outline.edges += [(image, task, 1.0) for image, task in zip(raw, corrected, strict=True)]
    table = outline.add("table", 0.8, corrected, 0.3)
    added = outline.add("add", 3.0, [table, *corrected], 1.0)
    shrunk = outline.add("shrink", 1.0, [added], 2.0)
    outline.add("jpeg", 0.5, [shrunk], 0.5)


def epigenomics(outline: Outline, size: int, rng: np.random.Generator) -> None:
    """A genome's reads split into parts, each filtered, converted and mapped in a chain; then merged.

    Source: after Juve et al. 2013.
    """
    lanes = max(1, round(size / 60))
    parts = max(1, round((size - 2) / lanes - 2) // 4)
    merged = []
    for _ in range(lanes):
        split = outline.add("split", 0.4)
        mapped = []
        for _ in range(parts):
            part = float(rng.uniform(0.7, 1.3))
            last = outline.add("filter", 0.3 * part, [split], part)
            last = outline.add("sol2sanger", 0.1 * part, [last], part)
            last = outline.add("fastq2bfq", 0.2 * part, [last], 0.5 * part)
            mapped.append(outline.add("map", 3.4 * part, [last], 0.3 * part))
        merged.append(outline.add("merge", 0.5, mapped, 0.2))
    outline.add("pileup", 0.8, [outline.add("index", 0.6, merged, 1.0)], 1.0)


def inference(outline: Outline, size: int, rng: np.random.Generator) -> None:
    """A network for inference: blocks of two to five branches of one to four operators, then joined, with residuals.

    Source: after the multi-branch networks that IOS (Ding et al., MLSys 2021) schedules.
    """
    last = outline.add("conv", 1.0)
    while len(outline.work) < size - 4:
        ends = []
        for _ in range(int(rng.integers(2, 6))):
            end = last
            for _ in range(int(rng.integers(1, 5))):
                kind = str(rng.choice(["conv", "matmul", "elementwise"], p=[0.5, 0.25, 0.25]))
                work = float(rng.lognormal(0.0, 0.6)) * (0.2 if kind == "elementwise" else 1.0)
                end = outline.add(kind, work, [end], float(rng.uniform(0.5, 1.5)))
            ends.append(end)
        last = outline.add("elementwise", 0.3, [*ends, last] if rng.random() < 0.5 else ends)
    outline.add("matmul", 0.8, [last], 0.2)


def training(outline: Outline, size: int, rng: np.random.Generator) -> None:
    """A training step of some micro-batches through stages: forward, backward, gradients added up, updates.

    Tasks of one stage are free to run anywhere; weights travel with the data of the updates only.
    """
    stages = max(2, round(np.sqrt(size / 2.6)))
    batches = max(1, round((size - stages) / (2 * stages)))
    works = [float(rng.uniform(0.6, 1.4)) for _ in range(stages)]
    forward: dict[tuple[int, int], int] = {}
    for batch in range(batches):
        for stage, work in enumerate(works):
            needs = [forward[batch, stage - 1]] if stage else []
            forward[batch, stage] = outline.add("forward", work, needs)
    backward: dict[tuple[int, int], int] = {}
    for batch in range(batches):
        for stage in reversed(range(stages)):
            needs = [forward[batch, stage]] + ([backward[batch, stage + 1]] if stage + 1 < stages else [])
            backward[batch, stage] = outline.add("backward", 2 * works[stage], needs)
    for stage, work in enumerate(works):
        outline.add("update", 0.3 * work, [backward[batch, stage] for batch in range(batches)], 2.0)


def fork_join(outline: Outline, size: int, rng: np.random.Generator) -> None:
    """Phases one after the other, each of tasks of very different sizes that only the phase's ends hold together."""
    phases = max(1, round(np.sqrt(size) / 3))
    last = outline.add("", 0.2)
    for _ in range(phases):
        width = max(2, (size - 1) // phases - 1)
        parts = [
            outline.add("", float(rng.lognormal(-0.2, 0.9)), [last], float(rng.uniform(0, 2))) for _ in range(width)
        ]
        last = outline.add("", 0.2, parts, float(rng.uniform(0.2, 1.0)))


def streams(outline: Outline, size: int, rng: np.random.Generator) -> None:
    """Frames of a radio that come at once: short chains of signal processing, each with a split in the middle.

    Source: after the WiFi graphs of DS3 (Arda et al., IEEE Trans. Computers 2020) and DeepSoCS (Sung et al. 2020).
    """
    while len(outline.work) < size:
        last = outline.add("scramble", 0.2)
        for kind in ("encode", "interleave", "modulate"):
            last = outline.add(kind, float(rng.uniform(0.3, 0.7)), [last])
        lanes = [outline.add("fft", 3.0, [last]) for _ in range(int(rng.integers(1, 5)))]
        last = outline.add("crc", 0.3, lanes)
        if rng.random() < 0.5:
            outline.add("viterbi", 6.0, [last])


SHAPES: dict[str, Draw] = {
    "random": random_layers,
    "fourier": fourier,
    "gaussian": gaussian,
    "cholesky": cholesky,
    "montage": montage,
    "inference": inference,
    "streams": streams,
    "stretched": stretched,
    "lu": lu,
    "qr": qr,
    "epigenomics": epigenomics,
    "training": training,
    "fork_join": fork_join,
}


def outline_of(shape: str, size: int, rng: np.random.Generator) -> Outline:
    """A graph of that shape with about so many tasks; work in microseconds, data in bytes."""
    outline = Outline()
    SHAPES[shape](outline, size, rng)
    outline.work = [TASK_US * work for work in outline.work]
    outline.edges = [(source, target, EDGE_BYTES * data) for source, target, data in outline.edges]
    return outline
