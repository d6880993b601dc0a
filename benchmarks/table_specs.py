"""What is particular to each task's tables: their columns, the program that others are compared with, what is added."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.broadcast_reference import along_relaxation
from benchmarks.replication_table import adrs, clairvoyant_greedy
from evaluators.scoring import Workload

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSpec:
    """What is particular to one task's tables."""

    task: str
    reference: str  # the program that the others are compared with
    columns: Mapping[str, tuple[str, str]]  # of the ranking: heading -> metric and its format
    metrics: tuple[str, ...]  # stored for every program, those of the columns included
    oracle: Callable[[Workload], Sequence[tuple[str, float]]] | None = None  # (regime, score) of a clairvoyant line
    closing: Callable[[Mapping[str, Any]], str] | None = None  # from the stored figures
    quick: bool = False  # whether search is scored in the tier `quick` too

    @property
    def name(self) -> str:
        """Of the result file."""
        return f"{self.task}_baselines"

    @property
    def page(self) -> Path:
        """Where the tables go."""
        return ROOT / "docs" / "tasks" / f"{self.task}.md"

    def program_files(self) -> dict[str, Path]:
        """The initial program and every baseline, by name."""
        programs = ROOT / "seeds" / self.task
        return {path.stem: path for path in (programs / "initial.py", *sorted((programs / "baselines").glob("*.py")))}


TABLES = {
    spec.task: spec
    for spec in (
        TableSpec(
            task="broadcast",
            reference="steiner",
            columns={
                "cost / bound": ("cost_over_bound", ".3f"),
                "time / direct": ("time_over_direct", ".2f"),
                "transfer, USD": ("transfer_usd", ".1f"),
            },
            metrics=(
                "cost_over_bound",
                "saving",
                "transfer_usd",
                "time_over_direct",
                "relays",
                "depth",
                "distinct_trees",
            ),
            oracle=along_relaxation,
            quick=True,
        ),
        TableSpec(
            task="expert_replication",
            reference="eplb_global",
            columns={"moved / window": ("moved_fraction", ".0%")},
            metrics=("gpu_balance", "moved_fraction", "migration_gb", "planner_s", "time_over_bound"),
            oracle=clairvoyant_greedy,
            closing=adrs,
        ),
        TableSpec(
            task="expert_topology",
            reference="lpt",
            columns={
                "T / bound": ("time_over_bound", ".3f"),
                "balance": ("gpu_balance", ".2f"),
                "away": ("away", ".2f"),
                "abroad": ("abroad", ".2f"),
            },
            metrics=("time_over_bound", "time_over_contiguous", "gpu_balance", "away", "abroad"),
            quick=True,
        ),
        TableSpec(
            task="job_shop",
            reference="two_feature",
            columns={"% above bound": ("gap_to_bound", ".0f"), "% delayed": ("delayed", ".0f")},
            metrics=("gap_to_bound", "gap_to_fifo", "utilisation", "blocked", "delayed", "decisions"),
        ),
        TableSpec(
            task="llm_serving",
            reference="least_outstanding",
            columns={"attainment": ("attainment", ".2f"), "speed": ("speed", ".2f"), "tail": ("tail", ".3f")},
            metrics=("attainment", "speed", "tail", "ttft_s", "tpot_ms", "hit_rate", "simulated_requests_per_s"),
        ),
        TableSpec(
            task="model_packing",
            reference="local_search",
            columns={"room / bound": ("room_over_bound", ".3f"), "% GPUs tight": ("tight_gpus", ".0f")},
            metrics=("room_over_bound", "room_gb", "tight_gpus", "free_sd", "moved"),
            quick=True,
        ),
        TableSpec(
            task="pipeline_layout",
            reference="two_arrangements",
            columns={
                "step / bound": ("step_over_bound", ".2f"),
                "stages": ("stages", ".1f"),
                "replicas": ("replicas", ".1f"),
                "busy %": ("busy", ".0f"),
                "exchange %": ("exchange", ".0f"),
            },
            metrics=("step_over_bound", "step_over_in_order", "stages", "replicas", "idle", "busy", "exchange", "hops"),
            quick=True,
        ),
        TableSpec(
            task="spot_deadline",
            reference="uniform_progress",
            columns={"cost / optimum": ("cost_over_optimum", ".3f"), "starts": ("starts", ".1f")},
            metrics=("cost_over_optimum", "optimum_over_cost", "saving", "starts", "moves", "forced_share"),
            quick=True,
        ),
        TableSpec(
            task="cluster_balance",
            reference="class_wspt",
            columns={
                "cost / bound": ("cost_over_bound", ".2f"),
                "on": ("machines_on", ".2f"),
                "moves": ("moves", ".2f"),
            },
            metrics=("cost_over_bound", "cost_over_weak", "flow_share", "flow", "flow_p99", "machines_on", "moves"),
            quick=True,
        ),
        TableSpec(
            task="table_reorder",
            reference="ggr",
            columns={"hits / bound": ("hit_over_bound", ".2f"), "hits": ("hit_rate", ".0f"), "any": ("hit_any", ".0f")},
            metrics=("hit_over_bound", "hit_rate", "bound_rate", "hit_previous", "hit_any", "cold", "orders"),
            quick=True,
        ),
        TableSpec(
            task="task_graph",
            reference="heft",
            columns={
                "makespan / bound": ("makespan_over_bound", ".3f"),
                "makespan / HEFT": ("makespan_over_heft", ".3f"),
                "crossing %": ("crossing", ".0f"),
                "busy %": ("busy", ".0f"),
            },
            metrics=("makespan_over_bound", "makespan_over_heft", "speedup", "busy", "used", "crossing", "extra"),
            quick=True,
        ),
        TableSpec(
            task="tier_cache",
            reference="decayed_lfu",
            columns={
                "time / bound": ("time_over_bound", ".2f"),
                "hits": ("hit_rate", ".0%"),
                "ahead": ("ahead", ".0%"),
                "unused": ("wasted", ".0%"),
            },
            metrics=("time_over_bound", "time_over_known", "known_score", "hit_rate", "loads", "ahead", "wasted"),
            quick=True,
        ),
        TableSpec(
            task="transaction_order",
            reference="smf_all",
            columns={"slots / bound": ("makespan_over_bound", ".2f"), "in flight": ("in_flight", ".1f")},
            metrics=("makespan_over_bound", "makespan_over_arrival", "in_flight", "moved", "overtaking"),
            quick=True,
        ),
        TableSpec(
            task="pipeline_schedule",
            reference="zero_bubble_greedy",
            columns={
                "step / bound": ("step_over_bound", ".3f"),
                "idle %": ("bubble", ".1f"),
                "memory %": ("peak_mean", ".0f"),
            },
            metrics=(
                "step_over_bound",
                "step_over_1f1b",
                "bubble",
                "bubble_longest",
                "peak_mean",
                "under_way",
                "postponed",
            ),
            quick=True,
        ),
        TableSpec(
            task="sequence_split",
            reference="lpt_cost",
            columns={
                "step / bound": ("step_over_bound", ".3f"),
                "cut %": ("cut", ".1f"),
                "rings add %": ("added", ".1f"),
            },
            metrics=("step_over_bound", "step_over_first_fit", "busy", "added", "cut", "width", "crossing"),
            quick=True,
        ),
    )
}
