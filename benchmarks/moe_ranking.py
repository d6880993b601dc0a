"""The known ranking of load-balancing losses where micro-batches are single sequences: paired by seed, and in-process.

Softmax gates, an even mix of domains, width 64, 100 steps of 32 sequences, each loss at its own strength: a step has
twice the sequences of the task's, so there is less noise. ``python -m benchmarks.moe_ranking`` writes
``results/moe_ranking.json`` and its table in ``docs/tasks/moe_loss.md``; ``--from-results`` the table alone. Needs
torch; eight CPU seconds per program and training.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.stamp import RESULTS, write_result
from benchmarks.table_parts import between_markers, rounded, table
from evaluators.balancing.moe_loss.hosting import OwnLoss
from evaluators.balancing.moe_loss.scenario import Scenario
from evaluators.balancing.moe_loss.shape import Course
from evaluators.balancing.moe_loss.suite import scenarios
from evaluators.balancing.moe_loss.training import Measured, run
from evaluators.candidate import CandidateFailure
from evaluators.contract import Split, Tier
from evaluators.problem import Settings
from evaluators.seeding import SeedSource, secret_from_seed

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "tasks" / "moe_loss.md"
BASELINES = ROOT / "seeds" / "moe_loss" / "baselines"
SETTINGS: Settings = {"gate": "softmax", "mix": "uniform", "width": 64, "expert_width": 64}
COURSE = Course(steps=100, sequences=32, micro_batches=32, validation=256)
GLOBAL, MICRO = "global_batch_lbl", "micro_batch_lbl"
SHOWN = ("max_violation_global", "max_violation_batch", "max_violation_sequence", "domain_information", "dead_share")
BIAS_STEP = "STEP = 0.05"


@dataclass(frozen=True, slots=True)
class Program:
    """A shipped baseline, with one text in it replaced where `name` says so."""

    file: str
    old: str = ""
    new: str = ""

    @property
    def name(self) -> str:
        """File, and what stands in it."""
        return Path(self.file).stem + (f", {self.new}" if self.new else "")

    def source(self) -> str:
        """Its text."""
        text = (BASELINES / f"{self.file}.py").read_text(encoding="utf-8")
        if self.old not in text:
            raise ValueError(f"expected {self.old!r} in {self.file}.py, found none")
        return text.replace(self.old, self.new) if self.old else text


PROGRAMS = (
    Program(GLOBAL),
    Program(MICRO),
    Program("none"),
    *(Program("loss_free_bias", BIAS_STEP, f"STEP = {step}") for step in ("0.016", "0.05", "0.32")),
    Program("controls/entropy_maximisation"),
    Program("controls/negative_lbl"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--from-results", action="store_true")
    a = parser.parse_args()
    if not a.from_results:
        figures = {
            "trainings": a.seeds,
            "settings": SETTINGS,
            "course": asdict(COURSE),
            "programs": rows(PROGRAMS, a.seeds),
        }
        write_result("moe_ranking", figures)
    stored = json.loads((RESULTS / "moe_ranking.json").read_text(encoding="utf-8"))["figures"]
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(between_markers(page, told(stored), "ranking"), encoding="utf-8")


def rows(programs: Sequence[Program], seeds: int) -> dict[str, Any]:
    """Of each program: metrics, and paired differences to micro-batch and to global-batch balancing."""
    drawn = scenarios(Tier.FULL, Split.SEARCH, SETTINGS, SeedSource(secret_from_seed(0), Split.SEARCH))[:seeds]
    played = [replace(scenario, recipe=replace(scenario.recipe, course=COURSE)) for scenario in drawn]
    found = {program.name: trained(program.source(), played) for program in programs}
    return {name: row_of(own, found) for name, own in found.items()}


def trained(source: str, played: Sequence[Scenario]) -> Sequence[Measured] | str:
    """Each training at strength 1, or why the program is refused."""
    try:
        return [run(s.recipe, OwnLoss(source), 1.0, s.times, s.candidate_seed) for s in played]
    except CandidateFailure as failure:
        return failure.detail


def row_of(own: Sequence[Measured] | str, found: Mapping[str, Sequence[Measured] | str]) -> dict[str, Any]:
    """Means over the trainings; differences are positive where the program is better."""
    if isinstance(own, str):
        return {"refused": own}
    against = partial(difference, own)
    return {
        "nats": mean_of(own, "nats"),
        **{metric: mean_of(own, metric) for metric in SHOWN},
        "nats_gain_over_micro": against(found[MICRO], "nats"),
        "information_over_micro": rounded(
            mean_of(own, "domain_information") / mean_of(found[MICRO], "domain_information")
        ),
        "score": against(found[GLOBAL], "iso_nats"),
    }


def mean_of(trainings: Sequence[Measured] | str, metric: str) -> float:
    """Over trainings that were made."""
    assert not isinstance(trainings, str)
    return rounded(np.mean([training.metrics[metric] for training in trainings]))


def difference(own: Sequence[Measured], other: Sequence[Measured] | str, metric: str) -> dict[str, Any]:
    """How much lower a metric is, paired by seed: each, the mean, t over all trainings and over the first three."""
    assert not isinstance(other, str)
    gains = np.array([b.metrics[metric] - a.metrics[metric] for a, b in zip(own, other, strict=True)])
    each = [rounded(gain) for gain in gains]
    return {"mean": rounded(gains.mean()), "t": t_value(gains), "t_of_3": t_value(gains[:3]), "each": each}


def t_value(gains: np.ndarray) -> float | None:
    """Mean over its standard error; None where nothing varies."""
    sd = float(gains.std(ddof=1))
    return rounded(gains.mean() / sd * math.sqrt(len(gains))) if sd > 0 else None


def told(stored: Mapping[str, Any]) -> str:
    """The table of the page."""
    header = [
        "program",
        "nats",
        "gain over micro (t)",
        "score (t)",
        "MaxVio global",
        "batch",
        "sequence",
        "information",
        "dead",
    ]
    body = []
    for name, row in stored["programs"].items():
        if "refused" in row:
            body.append([f"`{name}`", "refused", *[""] * (len(header) - 2)])
            continue
        gain, score = row["nats_gain_over_micro"], row["score"]
        shown = [f"{row[metric]:.2f}" for metric in SHOWN]
        body.append([f"`{name}`", f"{row['nats']:.4f}", _with_t(gain), _with_t(score), *shown])
    return table(header, body)


def _with_t(difference: Mapping[str, Any]) -> str:
    t = difference["t"]
    return "0" if t is None else f"{difference['mean']:+.4f} ({t:+.1f})"


if __name__ == "__main__":
    main()
