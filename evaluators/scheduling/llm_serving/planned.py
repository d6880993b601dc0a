"""Brings a replica into the state that a program's own batch plan asks for, or says why that cannot be."""

from __future__ import annotations

from evaluators.candidate import CandidateFailure
from evaluators.contract import Outcome
from evaluators.scheduling.llm_serving.admission import admit, fits
from evaluators.scheduling.llm_serving.batching import Chunks
from evaluators.scheduling.llm_serving.director import BatchPlan
from evaluators.scheduling.llm_serving.replica import Replica
from evaluators.scheduling.llm_serving.requests import Request, State


def apply_plan(now_s: float, replica: Replica, plan: BatchPlan) -> Chunks:
    """Preempt, pause, resume and admit as planned; returns the prompts to compute in the coming iteration.

    Raises:
        CandidateFailure: The plan needs more memory than there is (`Outcome.INVALID`).
    """
    for request in plan.preempt:
        replica.preempt(request, now_s)
    pausing = {request.uid for request in plan.pause}
    for request in [r for r in replica.paused.values() if r.uid not in pausing]:
        replica.resume(request)
    for request in plan.pause:
        if request.state is State.DECODING:
            replica.pause(request)
    chunks = _chunks(replica, plan)
    needed = replica.kv_used + len(replica.decoding)
    if needed > replica.cost.kv_tokens:
        raise _invalid(f"the plan needs {needed} KV tokens, the replica has {replica.cost.kv_tokens}")
    return chunks


def _chunks(replica: Replica, plan: BatchPlan) -> Chunks:
    chunks: Chunks = []
    for request, tokens in plan.prefill:
        if request.state is State.WAITING:
            _admit(replica, request)
        if request.state is State.PREFILLING:
            chunks.append((request, min(tokens, request.target - request.prefilled)))
    return chunks


def _admit(replica: Replica, request: Request) -> None:
    if not fits(replica, request):
        raise _invalid(
            f"the plan admits a request of {request.target} tokens to a replica that has no room for it "
            f"({replica.cost.kv_tokens - replica.kv_used} KV tokens free, {replica.num_running} running)"
        )
    admit(replica, replica.waiting.index((request.key, request.uid, request)))


def _invalid(detail: str) -> CandidateFailure:
    return CandidateFailure(Outcome.INVALID, detail)
