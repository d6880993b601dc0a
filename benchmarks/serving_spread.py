"""How far policies of `llm_serving` lie apart on the recorded traces: SLO attainment of each on whole traces.

``EVENKEEL_TRACES=FOLDER python -m benchmarks.serving_spread`` plays programs of the task's seeds, in this process, on
four windows of the Azure conversation trace (4 replicas of Llama-3-8B, 26 requests/s, TTFT 1 s and TPOT 50 ms) and on
Mooncake's conversations (8 replicas, the recorded times, TTFT 10 s and TPOT 100 ms), and writes
``results/serving_spread.json``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.stamp import write_result
from evaluators.scheduling.llm_serving.bounds import floors
from evaluators.scheduling.llm_serving.costs import cost_model
from evaluators.scheduling.llm_serving.fleet import Fleet
from evaluators.scheduling.llm_serving.outcome import assess
from evaluators.scheduling.llm_serving.program import ProgramDirector
from evaluators.scheduling.llm_serving.requests import Arrival
from evaluators.scheduling.llm_serving.services import scaled
from evaluators.scheduling.llm_serving.simulator import Simulator
from evaluators.scheduling.llm_serving.traces import TraceRow, read_trace
from evaluators.scheduling.llm_serving.views import fleet_config
from tests.in_process import InProcessCandidate

SEEDS = Path(__file__).parents[1] / "seeds" / "llm_serving" / "baselines"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """One trace on one fleet."""

    trace: str
    replicas: int
    rate: float = 0.0  # requests per second; 0 keeps the recorded times
    window: int = 0  # requests per stretch, four of them; 0 is the whole trace
    first: int = 1 << 30  # requests of the trace that count
    slo_ttft_s: float
    slo_tpot_s: float
    programs: tuple[str, ...]

    def windows(self, folder: Path) -> list[list[Arrival]]:
        """Stretches of the trace under this replay's SLOs, evenly spread over it."""
        rows = read_trace(folder / self.trace)[: self.first]
        size = self.window or len(rows)
        count = 4 if self.window else 1
        starts = [i * (len(rows) - size) // max(1, count - 1) for i in range(count)]
        return [self._arrivals(rows[start : start + size]) for start in starts]

    def _arrivals(self, rows: Sequence[TraceRow]) -> list[Arrival]:
        first_s = rows[0].at_s
        rows = [TraceRow(row.at_s - first_s, row.prompt, row.output, row.blocks) for row in rows]
        return [
            Arrival(
                arrival_s=row.at_s,
                prompt=row.prompt,
                output=row.output,
                slo_ttft_s=self.slo_ttft_s,
                slo_tpot_s=self.slo_tpot_s,
                blocks=row.blocks,
            )
            for row in (scaled(rows, self.rate) if self.rate else rows)
        ]


REPLAYS: Mapping[str, Replay] = {
    "conversation": Replay(
        trace="AzureLLMInferenceTrace_conv.csv.gz",
        replicas=4,
        rate=26.0,
        window=2000,
        slo_ttft_s=1.0,
        slo_tpot_s=0.05,
        programs=(
            *("random_choice", "round_robin", "least_outstanding", "least_kv", "predicted_work", "shortest_first"),
            *("slo_chunks", "split_fuse", "vllm"),
        ),
    ),
    "sessions": Replay(
        trace="mooncake_conversation_trace.jsonl.gz",
        replicas=8,
        slo_ttft_s=10.0,
        slo_tpot_s=0.1,
        programs=("random_choice", "round_robin", "least_outstanding", "predicted_work", "prefix_aware"),
    ),
}


def attainments(replay: Replay, folder: Path) -> dict[str, dict[str, float]]:
    """Per program, means over windows: share within both SLOs, latencies, hits, requests simulated per CPU second."""
    windows = replay.windows(folder)
    fleet = Fleet(costs=(cost_model("llama3-8b", "a100", 1),) * replay.replicas, roles=(0,) * replay.replicas)
    figures = {}
    for name in replay.programs:
        played = [_played(name, arrivals, fleet) for arrivals in windows]
        figures[name] = {key: round(sum(row[key] for row in played) / len(played), 4) for key in played[0]}
    return figures


def _played(name: str, arrivals: Sequence[Arrival], fleet: Fleet) -> dict[str, float]:
    config = {
        **fleet_config(fleet),
        "mean_prompt": sum(a.prompt for a in arrivals) / len(arrivals),
        "mean_output": sum(a.output for a in arrivals) / len(arrivals),
        "seed": 0,
    }
    started_s = time.process_time()
    candidate = InProcessCandidate((SEEDS / f"{name}.py").read_text(encoding="utf-8"), cpu_s=0.0)
    run = Simulator(arrivals, fleet, ProgramDirector(candidate, config, len(fleet.costs))).run()
    spent_s = time.process_time() - started_s
    found = assess(run, floors(arrivals, fleet))
    return {
        "attainment": found.attainment,
        "ttft_s": found.ttft_mean_s,
        "tpot_ms": 1e3 * found.tpot_mean_s,
        "tail": found.tail,
        "hit_rate": sum(r.hit_tokens for r in run) / sum(a.prompt for a in arrivals),
        "requests_per_cpu_s": len(run) / spent_s,
    }


def main() -> None:
    folder = Path(os.environ["EVENKEEL_TRACES"])
    write_result("serving_spread", {name: attainments(replay, folder) for name, replay in REPLAYS.items()})


if __name__ == "__main__":
    main()
