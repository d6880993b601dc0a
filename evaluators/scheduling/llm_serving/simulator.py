"""The event loop: arrivals, steps of replicas, KV on its way, rebalancing, a failing replica.

Time only moves from event to event, and ties are taken in the order of their making, so a run is a pure function of
arrivals, fleet and decisions.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from enum import IntEnum

from evaluators.candidate import CandidateFailure
from evaluators.contract import Outcome
from evaluators.scheduling.llm_serving.admission import fits
from evaluators.scheduling.llm_serving.batching import Chunks, make_room, mixed_chunks, prefill_first_chunks
from evaluators.scheduling.llm_serving.director import HOLD, Director
from evaluators.scheduling.llm_serving.fleet import Fleet
from evaluators.scheduling.llm_serving.planned import apply_plan
from evaluators.scheduling.llm_serving.replica import DECODE, PREFILL, Replica
from evaluators.scheduling.llm_serving.requests import Arrival, Request, State

HOLD_S = 0.1
MAX_HOLDS = 10
IDLE_POLL_S = 0.05  # how soon a program is asked again after it left a replica idle with requests waiting
MAX_IDLE_POLLS = 200
MAX_STEPS_PER_REQUEST = (
    100  # and one per 32 prompt tokens: what no sensible schedule needs, and a slow one may not take
)


class _Event(IntEnum):
    STEP = 0  # a replica ends its step
    ARRIVED_KV = 1  # a prefilled request reaches the replica that decodes it
    MIGRATED = 2  # the copy of a decoding request is complete
    REBALANCE = 3
    OFFER = 4  # a held request is offered again
    DOWN = 5
    UP = 6
    POLL = 7  # an idle replica with waiting requests asks its program again


class Simulator:
    """One run of a fleet under a director; `run` returns the requests with their times filled in."""

    def __init__(self, arrivals: Sequence[Arrival], fleet: Fleet, director: Director) -> None:
        self.requests = [Request(uid, arrival) for uid, arrival in enumerate(arrivals)]
        kinds = zip(fleet.costs, fleet.roles, strict=True)
        self.replicas = [Replica(i, cost, role) for i, (cost, role) in enumerate(kinds)]
        self.num_steps = 0
        self.num_migrations = 0
        self._fleet = fleet
        self._director = director
        self._style = director.style
        self._events: list[tuple[float, int, _Event, int, int]] = []
        self._num_events = 0
        self._unfinished = len(self.requests)
        self._moving: dict[int, int] = {}  # uid of a decoding request to the replica it is copied to
        self._leaving: dict[int, list[Request]] = {}  # by replica: copied, gone at the next boundary
        self._idle_polls = [0] * len(self.replicas)
        self._max_steps = self._allowed_steps(arrivals)

    def run(self) -> list[Request]:
        """Play until the last token.

        Raises:
            CandidateFailure: The director broke the contract (`Outcome.INVALID`), or its program failed.
        """
        self._schedule_known_events()
        events, pending = self._events, self.requests
        position, num_requests = 0, len(pending)
        while self._unfinished:
            if position < num_requests and (not events or pending[position].arrival_s <= events[0][0]):
                request = pending[position]
                position += 1
                self._offer(request.arrival_s, request)
            else:
                now_s, _, kind, subject, detail = heapq.heappop(events)
                self._handle(now_s, kind, subject, detail)
        return self.requests

    def _allowed_steps(self, arrivals: Sequence[Arrival]) -> int:
        """Enough for any schedule worth playing; a program that plans batches is slowed by its own CPU limit, too."""
        steps = MAX_STEPS_PER_REQUEST * len(arrivals) + sum(arrival.prompt for arrival in arrivals) // 32
        return steps + sum(arrival.output for arrival in arrivals) * self._style.plans_batches

    def _schedule_known_events(self) -> None:
        if self._style.rebalance_every_s > 0:
            self._push(self._style.rebalance_every_s, _Event.REBALANCE)
        failure = self._fleet.failure
        if failure is not None:
            self._push(failure.at_s, _Event.DOWN, failure.replica)
            self._push(failure.back_s, _Event.UP, failure.replica)

    def _push(self, at_s: float, kind: _Event, subject: int = 0, detail: int = 0) -> None:
        self._num_events += 1
        heapq.heappush(self._events, (at_s, self._num_events, kind, subject, detail))

    def _handle(self, now_s: float, kind: _Event, subject: int, detail: int) -> None:
        match kind:
            case _Event.STEP:
                self._end_step_if_current(now_s, self.replicas[subject], detail)
            case _Event.ARRIVED_KV:
                self._receive(now_s, self.requests[subject])
            case _Event.MIGRATED:
                self._land(now_s, self.requests[subject])
            case _Event.REBALANCE:
                self._rebalance(now_s)
            case _Event.OFFER:
                self._offer(now_s, self.requests[subject])
            case _Event.DOWN:
                self._take_down(now_s, self.replicas[subject])
            case _Event.UP:
                self.replicas[subject].up = True
            case _Event.POLL:
                self._start_if_idle(now_s, self.replicas[subject])

    # --- placing ------------------------------------------------------------------------------------------------------

    def _offer(self, now_s: float, request: Request) -> None:
        placement = self._director.place(now_s, request, self.replicas)
        if placement.replica == HOLD:
            request.held += 1
            if request.held > MAX_HOLDS:
                raise _invalid(f"a request was held back {MAX_HOLDS} times; it must be placed within a second")
            self._push(now_s + HOLD_S, _Event.OFFER, request.uid)
            return
        request.key, request.retain_s = placement.key, placement.retain_s
        request.decode_replica = placement.decode_replica
        self._enqueue(now_s, self.replicas[placement.replica], request)

    def _enqueue(self, now_s: float, replica: Replica, request: Request) -> None:
        replica.enqueue(request)
        if not replica.busy:
            self._start(now_s, replica)
        elif replica.cut_short(now_s):
            self._push(replica.ended_s, _Event.STEP, replica.index, replica.version)

    # --- steps --------------------------------------------------------------------------------------------------------

    def _start_if_idle(self, now_s: float, replica: Replica) -> None:
        if replica.up and not replica.busy:
            self._start(now_s, replica)

    def _start(self, now_s: float, replica: Replica) -> None:
        make_room(replica, now_s)
        if self._style.plans_batches and (replica.waiting or replica.prefilling or replica.paused):
            self._start_planned(now_s, replica)
            return
        if self._style.prefill_first:
            chunks = prefill_first_chunks(replica)
            decode = not chunks
        else:
            chunks, decode = mixed_chunks(replica), True
        self._begin(now_s, replica, chunks, decode=decode)

    def _begin(
        self, now_s: float, replica: Replica, chunks: Chunks, iterations: int = 1 << 30, *, decode: bool
    ) -> None:
        if not chunks and not replica.decoding:
            return
        replica.begin(now_s, chunks, iterations, decode=decode)
        self.num_steps += 1
        if self.num_steps > self._max_steps:
            raise _invalid(f"the fleet took over {self._max_steps} steps: prompts are computed in far too small chunks")
        self._push(replica.ended_s, _Event.STEP, replica.index, replica.version)

    def _end_step_if_current(self, now_s: float, replica: Replica, version: int) -> None:
        if replica.busy and replica.version == version:
            self._end_step(now_s, replica)

    def _end_step(self, now_s: float, replica: Replica) -> None:
        for request in replica.advance():
            replica.remove(request, now_s)
            self._finish(now_s, request)
        chunks, replica.chunks = replica.chunks, []
        for request, size in chunks:
            request.prefilled += size
            replica.queued_tokens -= size
            if request.prefilled == request.target:
                self._complete_prefill(now_s, replica, request)
        for request in self._leaving.pop(replica.index, ()):
            self._hand_over(now_s, replica, request)
        self._start(now_s, replica)

    def _complete_prefill(self, now_s: float, replica: Replica, request: Request) -> None:
        replica.complete_prefill(request)
        if request.first_token_s < 0:
            request.first_token_s = now_s
        replica.join(request)
        if request.generated == request.output:
            replica.remove(request, now_s)
            self._finish(now_s, request)
        elif replica.role == PREFILL:
            self._ship(now_s, replica, request)

    def _finish(self, now_s: float, request: Request) -> None:
        request.state = State.FINISHED
        request.finish_s = now_s
        self._unfinished -= 1

    # --- KV on its way ------------------------------------------------------------------------------------------------

    def _ship(self, now_s: float, replica: Replica, request: Request) -> None:
        """Send a prefilled request to its decode replica; the source's memory is free once it has left."""
        replica.remove(request, now_s)
        tokens = request.target - request.hit_tokens * 0
        self._push(
            now_s + replica.cost.transfer_s(tokens, self._fleet.link_bytes_per_s), _Event.ARRIVED_KV, request.uid
        )

    def _receive(self, now_s: float, request: Request) -> None:
        replica = self.replicas[request.decode_replica]
        if not replica.up:
            request.forget()
            self._offer(now_s, request)
            return
        request.prefilled = request.target
        self._enqueue(now_s, replica, request)

    def _rebalance(self, now_s: float) -> None:
        for request, target in self._director.rebalance(now_s, self.replicas):
            self._move(now_s, request, self.replicas[target])
        self._push(now_s + self._style.rebalance_every_s, _Event.REBALANCE)

    def _move(self, now_s: float, request: Request, target: Replica) -> None:
        """Waiting requests move at once, decoding ones while they go on (Llumnix's live migration)."""
        source = self.replicas[request.replica]
        if target is source or not target.up or request.uid in self._moving:
            return
        if request.state is State.WAITING and target.role != DECODE and not request.prefilled:
            place = source.waiting.index((request.key, request.uid, request))
            self._enqueue(now_s, target, source.dequeue(place))
        elif request.state is State.DECODING and target.role != PREFILL:
            self._moving[request.uid] = target.index
            tokens = request.target + source.iteration - request.joined_iteration
            self._push(
                now_s + source.cost.transfer_s(tokens, self._fleet.link_bytes_per_s), _Event.MIGRATED, request.uid
            )

    def _land(self, now_s: float, request: Request) -> None:
        """The copy is complete but for what was decoded meanwhile: it leaves at the next iteration boundary."""
        if request.uid not in self._moving:
            return
        if request.state is not State.DECODING:  # it finished, or lost its KV: nothing to move
            del self._moving[request.uid]
            return
        source = self.replicas[request.replica]
        self._leaving.setdefault(source.index, []).append(request)
        if not source.busy:
            for leaving in self._leaving.pop(source.index):
                self._hand_over(now_s, source, leaving)
        elif source.cut_short(now_s):
            self._push(source.ended_s, _Event.STEP, source.index, source.version)

    def _hand_over(self, now_s: float, source: Replica, request: Request) -> None:
        target = self.replicas[self._moving.pop(request.uid)]
        if request.state is not State.DECODING or request.replica != source.index or not target.up:
            return
        source.remove(request, now_s)
        request.prefilled = request.target
        if fits(target, request):
            self.num_migrations += 1
            self._enqueue(now_s, target, request)
        else:
            self._enqueue(now_s, source, request)  # refused: it goes on where it was

    # --- failure ------------------------------------------------------------------------------------------------------

    def _take_down(self, now_s: float, replica: Replica) -> None:
        """Everything it holds is lost and placed anew."""
        if replica.stretch:
            replica.stretch = replica.iterations_by(now_s)
            if replica.stretch:
                replica.advance()
        replica.busy, replica.up, replica.chunks, replica.stretch = False, False, [], 0
        replica.version += 1
        running = [*replica.decoding.values(), *replica.paused.values(), *(r for _, _, r in replica.prefilling)]
        for request in running:
            self._moving.pop(request.uid, None)
            replica.remove(request, now_s)
        while replica.waiting:
            running.append(replica.dequeue(0))
        self._leaving.pop(replica.index, None)
        replica.cache.trim(0)
        for request in sorted(running, key=lambda r: r.uid):
            request.forget()
            self._offer(now_s, request)

    # --- planned batches ----------------------------------------------------------------------------------------------

    def _start_planned(self, now_s: float, replica: Replica) -> None:
        plan = self._director.plan(now_s, replica)
        chunks = apply_plan(now_s, replica, plan)
        if chunks or replica.decoding:
            self._idle_polls[replica.index] = 0
        else:
            self._idle_polls[replica.index] += 1
            if self._idle_polls[replica.index] > MAX_IDLE_POLLS:
                raise _invalid(f"a replica was left idle {MAX_IDLE_POLLS} times in a row with requests waiting")
            self._push(now_s + IDLE_POLL_S, _Event.POLL, replica.index)
        self._begin(now_s, replica, chunks, plan.iterations, decode=True)


def _invalid(detail: str) -> CandidateFailure:
    return CandidateFailure(Outcome.INVALID, detail)
