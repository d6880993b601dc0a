"""What the proposer and the reader are told of the results: aggregates per regime, never texts or seeds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluators.contract import InstanceResult, Picture
from evaluators.reporting import failure_lines, mean_metric, score_words, scored_by_regime

_TOLD = {
    "nats_gain": "cross-entropy gain {:+.4f}",
    "step_time": "step time {:.3f}",
    "max_violation_batch": "MaxVio batch {:.2f}",
    "max_violation_sequence": "sequence {:.2f}",
    "dead_share": "dead {:.2f}",
    "domain_information": "domain information {:.3f}",
    "gradient_ratio": "gradient ratio {:.2f}",
}
_EXPERTS = "experts "


def feedback(results: Sequence[InstanceResult]) -> str:
    """A line per regime and one per failure."""
    lines = ["Nats per byte saved against global-batch load balancing (0), per regime:"]
    for regime, members in scored_by_regime(results).items():
        told = ", ".join(text.format(mean_metric(members, name)) for name, text in _TOLD.items())
        lines.append(f"- {regime}: {score_words(members)}; {told}")
    return "\n".join(lines + failure_lines(results))


def pictures(results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
    """The busiest expert by step, one line per regime, and which experts each domain's bytes went to."""
    regimes = {name: [r for r in members if r.curves] for name, members in scored_by_regime(results).items()}
    regimes = {name: members for name, members in regimes.items() if members}
    if not regimes:
        return ()
    loads = [np.mean([r.curves["max_violation"] for r in members], axis=0) for members in regimes.values()]
    rows = tuple((float(step), *map(float, values)) for step, values in enumerate(zip(*loads, strict=True)))
    first = next(iter(regimes.values()))[0]
    domains = [name.removeprefix(_EXPERTS) for name in first.curves if name.startswith(_EXPERTS)]
    cells = tuple(
        (float(row), float(expert), share)
        for row, name in enumerate(domains)
        for expert, share in enumerate(first.curves[_EXPERTS + name])
    )
    return (
        Picture(name="MaxVio by step", chart="line", columns=("step", *regimes), rows=rows),
        Picture(
            name=f"share of a domain's bytes by expert, last layer of {first.name} ({', '.join(domains)})",
            chart="heatmap",
            columns=("domain", "expert", "share"),
            rows=cells,
        ),
    )
