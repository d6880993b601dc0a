"""A sandboxed program as a director: what it is told, what it may say, and what is refused."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import numpy as np

from evaluators.candidate import Argument, Array, Candidate, CandidateFailure, Reply, ReplyField
from evaluators.contract import Outcome
from evaluators.scheduling.llm_serving.director import HOLD, BatchPlan, Placement, Style
from evaluators.scheduling.llm_serving.pace import LOWEST_FREQUENCY, Pace
from evaluators.scheduling.llm_serving.replica import DECODE, PREFILL, Replica
from evaluators.scheduling.llm_serving.requests import Request, State
from evaluators.scheduling.llm_serving.views import fleet_view, replica_view, request_view, rows_view

SMALLEST_BUDGET, LARGEST_BUDGET = 32, 16384
LONGEST_TARGET_S = 10.0
SHORTEST_REBALANCE_S = 0.05
NO_PREFIX = -1
_LARGEST_RETAIN_S = 1e6
_OPTIONS = (
    ReplyField(name="prefill_first", dtype="bool", shape=(), optional=True, default=0),
    ReplyField(name="batches", dtype="bool", shape=(), optional=True, default=0),
    ReplyField(name="rebalance_s", dtype="float64", shape=(), optional=True, default=0.0),
    ReplyField(name="swap", dtype="bool", shape=(), optional=True, default=0),
)


class ProgramDirector:
    """Asks the object of a program's class `Policy`; `call_s` is the CPU time the worker spent on talking to it."""

    def __init__(self, candidate: Candidate, config: dict[str, Argument], num_replicas: int) -> None:
        self._candidate = candidate
        self.call_s = 0.0
        self.child_s = candidate.construct("Policy", config)
        self.num_calls = 0
        options = self._ask("options", (), _OPTIONS).arrays
        rebalance_s = float(options["rebalance_s"]) if "rebalance_s" in options else 0.0
        if rebalance_s and not rebalance_s >= SHORTEST_REBALANCE_S:
            raise _invalid(f"rebalance_s must be 0 or at least {SHORTEST_REBALANCE_S} s, found {rebalance_s:g}")
        self.style = Style(
            prefill_first="prefill_first" in options and bool(options["prefill_first"]),
            plans_batches="batches" in options and bool(options["batches"]),
            rebalance_every_s=rebalance_s,
            swaps="swap" in options and bool(options["swap"]),
        )
        self._arrive = _arrive_fields(num_replicas)
        self._prefixes: dict[int, int] = {}  # the number told of each block, in the order in which they came

    def place(self, now_s: float, request: Request, replicas: Sequence[Replica]) -> Placement:
        """Route by the smallest score among the replicas that can take it, ties to the first."""
        arguments = (now_s, request_view(request, self._prefix_id(request)), fleet_view(replicas, now_s, request))
        reply = self._ask("arrive", arguments, self._arrive).arrays
        if "budget" in reply:
            _set_budgets(replicas, reply["budget"].tolist())
        if "target_s" in reply:
            _set_targets(replicas, reply["target_s"].tolist())
        adjusted = _set_paces(replicas, reply)
        retain_s = float(reply["retain_s"]) if "retain_s" in reply else 0.0
        if abs(retain_s) > _LARGEST_RETAIN_S:
            raise _invalid(f"retain_s must be at most {_LARGEST_RETAIN_S:g} s either way, found {retain_s:g}")
        if "hold" in reply and bool(reply["hold"]):
            return Placement(HOLD, HOLD, 0.0, adjusted=adjusted)
        route = reply["route"].tolist()
        chosen = _best([r for r in replicas if r.up and r.role != DECODE], route)
        decode = chosen
        if replicas[chosen].role == PREFILL:
            decode_route = reply["decode_route"].tolist() if "decode_route" in reply else route
            decode = _best([r for r in replicas if r.up and r.role != PREFILL], decode_route)
        return Placement(chosen, decode, float(reply["key"]), retain_s, adjusted)

    def plan(self, now_s: float, replica: Replica) -> BatchPlan:
        """The program's own batch for one replica."""
        waiting = [request for _, _, request in replica.waiting]
        begun = [request for _, _, request in replica.prefilling]
        running = [*begun, *replica.decoding.values(), *replica.paused.values()]
        arguments = (
            now_s,
            replica.index,
            np.array(replica_view(replica, now_s, None), dtype=np.float64),
            rows_view([(request, replica) for request in waiting], now_s),
            rows_view([(request, replica) for request in running], now_s),
        )
        reply = self._ask("batch", arguments, _batch_fields(len(waiting), len(running))).arrays
        iterations = int(reply["iterations"]) if "iterations" in reply else 1 << 30
        if iterations < 1:
            raise _invalid(f"batch: iterations must be at least 1, found {iterations}")
        return _read_plan(waiting, running, reply["admit"].tolist(), reply["run"].tolist(), iterations)

    def rebalance(self, now_s: float, replicas: Sequence[Replica]) -> Sequence[tuple[Request, int]]:
        """Moves of waiting and decoding requests."""
        placed = [
            (request, replica)
            for replica in replicas
            for request in (*(r for _, _, r in replica.waiting), *replica.decoding.values())
        ]
        if not placed:
            return []
        arguments = (now_s, fleet_view(replicas, now_s, None), rows_view(placed, now_s))
        field = (ReplyField(name="move", dtype="int64", shape=(len(placed),)),)
        targets = self._ask("rebalance", arguments, field).arrays["move"].tolist()
        for target in targets:
            if not -1 <= target < len(replicas):
                raise _invalid(f"rebalance: expected -1 or a replica below {len(replicas)}, found {target}")
        return [(request, target) for (request, _), target in zip(placed, targets, strict=True) if target >= 0]

    def _prefix_id(self, request: Request) -> int:
        """Numbers of our own: the stream's tell how popular a document is, and how long a session is to become."""
        if len(request.blocks) < 2:
            return NO_PREFIX
        return self._prefixes.setdefault(request.blocks[1], len(self._prefixes))

    def _ask(self, name: str, arguments: Sequence[Argument], fields: Sequence[ReplyField]) -> Reply:
        started_s = time.thread_time()
        reply = self._candidate.method(name, arguments, fields)
        self.call_s += time.thread_time() - started_s
        self.child_s += reply.cpu_s
        self.num_calls += 1
        return reply


def _arrive_fields(num_replicas: int) -> tuple[ReplyField, ...]:
    each = (num_replicas,)
    return (
        ReplyField(name="route", dtype="float64", shape=each),
        ReplyField(name="key", dtype="float64", shape=()),
        ReplyField(name="decode_route", dtype="float64", shape=each, optional=True),
        ReplyField(name="budget", dtype="int64", shape=each, optional=True, default=512),
        ReplyField(name="target_s", dtype="float64", shape=each, optional=True, default=0.0),
        ReplyField(name="retain_s", dtype="float64", shape=(), optional=True, default=0.0),
        ReplyField(name="hold", dtype="bool", shape=(), optional=True, default=0),
        ReplyField(name="frequency", dtype="float64", shape=each, optional=True, default=1.0),
        ReplyField(name="tune_s", dtype="float64", shape=each, optional=True, default=0.0),
    )


def _batch_fields(waiting: int, running: int) -> tuple[ReplyField, ...]:
    return (
        ReplyField(name="admit", dtype="int64", shape=(waiting,)),
        ReplyField(name="run", dtype="int64", shape=(running,)),
        ReplyField(name="iterations", dtype="int64", shape=(), optional=True),
    )


def _best(candidates: Sequence[Replica], scores: Sequence[float]) -> int:
    return min(candidates, key=lambda replica: scores[replica.index]).index


def _set_budgets(replicas: Sequence[Replica], budgets: Sequence[int]) -> None:
    for replica, budget in zip(replicas, budgets, strict=True):
        if not SMALLEST_BUDGET <= budget <= LARGEST_BUDGET:
            limits = f"{SMALLEST_BUDGET} to {LARGEST_BUDGET}"
            raise _invalid(f"arrive: budgets must be from {limits} tokens, found {budget}")
        replica.budget = budget


def _set_targets(replicas: Sequence[Replica], targets_s: Sequence[float]) -> None:
    for replica, target_s in zip(replicas, targets_s, strict=True):
        if not 0 <= target_s <= LONGEST_TARGET_S:
            raise _invalid(f"arrive: target_s must be from 0 to {LONGEST_TARGET_S:g} s, found {target_s:g}")
        replica.target_s = target_s


def _set_paces(replicas: Sequence[Replica], reply: Mapping[str, Array]) -> bool:
    """Take over clocks and lengths of fine-tuning iterations; whether there were any."""
    adjusted = False
    for name, low, high in (("frequency", LOWEST_FREQUENCY, 1.0), ("tune_s", 0.0, LONGEST_TARGET_S)):
        if name not in reply:
            continue
        adjusted = True
        for replica, value in zip(replicas, reply[name].tolist(), strict=True):
            if not low <= value <= high:
                raise _invalid(f"arrive: {name} must be from {low:g} to {high:g}, found {value:g}")
            replica.pace = replica.pace or Pace()
            if name == "frequency":
                replica.pace.frequency = value
            else:
                replica.pace.tune_s = value
    return adjusted


def _read_plan(
    waiting: Sequence[Request], running: Sequence[Request], admit: Sequence[int], run: Sequence[int], iterations: int
) -> BatchPlan:
    prefill, pause, preempt = [], [], []
    for request, tokens in zip(waiting, admit, strict=True):
        most = max(1, request.target - request.prefilled)
        if not 0 <= tokens <= most:
            raise _invalid(f"batch: a waiting request has {most} tokens to compute, the plan says {tokens}")
        if tokens:
            prefill.append((request, tokens))
    for request, action in zip(running, run, strict=True):
        most = request.target - request.prefilled if request.state is State.PREFILLING else 1
        if not -1 <= action <= most:
            raise _invalid(f"batch: a running request takes -1 (preempt) to {most}, the plan says {action}")
        if action == -1:
            preempt.append(request)
        elif request.state is State.PREFILLING:
            prefill += [(request, action)] if action else []
        elif not action:
            pause.append(request)
    return BatchPlan(prefill, pause, preempt, iterations)


def _invalid(detail: str) -> CandidateFailure:
    return CandidateFailure(Outcome.INVALID, detail)
