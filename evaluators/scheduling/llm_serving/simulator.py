"""The event loop: arrivals, steps of replicas, KV on its way, rebalancing, a failing replica.

Time only moves from event to event, and ties are taken in the order of their making, so a run is a pure function of
arrivals, fleet and decisions.
"""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.candidate import CandidateFailure
from evaluators.contract import Outcome
from evaluators.scheduling.llm_serving.admission import fits
from evaluators.scheduling.llm_serving.batching import Chunks, make_room, mixed_chunks, prefill_first_chunks
from evaluators.scheduling.llm_serving.director import HOLD, Director
from evaluators.scheduling.llm_serving.events import Event, EventQueue
from evaluators.scheduling.llm_serving.fleet import Fleet, Goal
from evaluators.scheduling.llm_serving.pace import Pace
from evaluators.scheduling.llm_serving.planned import apply_plan
from evaluators.scheduling.llm_serving.replica import DECODE, PREFILL, Replica
from evaluators.scheduling.llm_serving.requests import Arrival, Request, State

HOLD_S = 0.1
MAX_HOLDS = 10
IDLE_POLL_S = 0.05  # how soon a program is asked again after it left a replica idle with requests waiting
MAX_IDLE_POLLS = 200
# And one per replica, and one per 32 prompt tokens: what no sensible schedule needs, and a slow one may not take.
MAX_STEPS_PER_REQUEST = 100


class Simulator:
    """One run of a fleet under a director; `run` returns the requests with their times filled in."""

    def __init__(self, arrivals: Sequence[Arrival], fleet: Fleet, director: Director) -> None:
        self.requests = [Request(uid, arrival) for uid, arrival in enumerate(arrivals)]
        kinds = zip(fleet.costs, fleet.roles, strict=True)
        self.replicas = [Replica(i, cost, role) for i, (cost, role) in enumerate(kinds)]
        self.num_steps = 0
        self.num_migrations = 0
        self.tuned_tokens = 0  # by the time the last request comes
        self._fleet = fleet
        self._director = director
        self._style = director.style
        for replica in self.replicas:
            replica.swaps = director.style.swaps
            replica.pace = Pace() if fleet.goal is Goal.ENERGY else None
        self._events = EventQueue()
        self._unfinished = len(self.requests)
        self._moving: dict[int, tuple[int, int]] = {}  # uid of a decoding request to where it is copied, and which copy
        self._num_copies = 0
        self._leaving: dict[int, list[Request]] = {}  # by replica: copied, gone at the next boundary
        self._idle_polls = [0] * len(self.replicas)
        self._max_steps = self._allowed_steps(arrivals)

    def run(self) -> list[Request]:
        """Play until the last token.

        Raises:
            CandidateFailure: The director broke the contract (`Outcome.INVALID`), or its program failed.
        """
        self._schedule_known_events()
        events, pending = self._events.heap, self.requests
        position, num_requests = 0, len(pending)
        while self._unfinished:
            if position < num_requests and (not events or pending[position].arrival_s <= events[0][0]):
                request = pending[position]
                position += 1
                self._offer(request.arrival_s, request)
                if position == num_requests:
                    self.tuned_tokens = sum(replica.tuned_by(request.arrival_s) for replica in self.replicas)
            else:
                self._handle(*self._events.pop())
        return self.requests

    def _allowed_steps(self, arrivals: Sequence[Arrival]) -> int:
        """Enough for any schedule worth playing; a program that plans batches is slowed by its own CPU limit, too."""
        per_request = MAX_STEPS_PER_REQUEST + len(self.replicas)
        steps = per_request * len(arrivals) + sum(arrival.prompt for arrival in arrivals) // 32
        return steps + sum(arrival.output for arrival in arrivals) * self._style.plans_batches

    def _schedule_known_events(self) -> None:
        if self._style.rebalance_every_s > 0:
            self._events.push(self._style.rebalance_every_s, Event.REBALANCE)
        failure = self._fleet.failure
        if failure is not None:
            self._events.push(failure.at_s, Event.DOWN, failure.replica)
            self._events.push(failure.back_s, Event.UP, failure.replica)

    def _handle(self, now_s: float, kind: Event, subject: int, detail: int) -> None:
        match kind:
            case Event.STEP:
                self._end_step_if_current(now_s, self.replicas[subject], detail)
            case Event.ARRIVED_KV:
                self._receive(now_s, self.requests[subject])
            case Event.MIGRATED:
                self._land(now_s, self.requests[subject], detail)
            case Event.REBALANCE:
                self._rebalance(now_s)
            case Event.OFFER:
                self._offer(now_s, self.requests[subject])
            case Event.DOWN:
                self._take_down(now_s, self.replicas[subject])
            case Event.UP:
                self.replicas[subject].up = True
            case Event.POLL:
                self._start_if_idle(now_s, self.replicas[subject])

    # --- placing ------------------------------------------------------------------------------------------------------

    def _offer(self, now_s: float, request: Request) -> None:
        placement = self._director.place(now_s, request, self.replicas)
        if placement.adjusted:
            self._adjust(now_s)
        if placement.replica == HOLD:
            request.held += 1
            if request.held > MAX_HOLDS:
                raise _invalid(f"a request was held back {MAX_HOLDS} times; it must be placed within a second")
            self._events.push(now_s + HOLD_S, Event.OFFER, request.uid)
            return
        request.key, request.retain_s = placement.key, placement.retain_s
        request.decode_replica = placement.decode_replica
        self._enqueue(now_s, self.replicas[placement.replica], request)

    def _adjust(self, now_s: float) -> None:
        """Let new clocks and lengths of fine-tuning iterations count from the next iteration on."""
        for replica in self.replicas:
            if replica.pace is None:
                continue
            if not replica.busy:
                self._begin(now_s, replica, [], decode=True)
            elif replica.pace.changed and replica.cut_short(now_s):
                self._events.push(replica.ended_s, Event.STEP, replica.index, replica.version)

    def _enqueue(self, now_s: float, replica: Replica, request: Request) -> None:
        replica.enqueue(request)
        if not replica.busy:
            self._start(now_s, replica)
        elif replica.cut_short(now_s):
            self._events.push(replica.ended_s, Event.STEP, replica.index, replica.version)

    # --- steps --------------------------------------------------------------------------------------------------------

    def _start_if_idle(self, now_s: float, replica: Replica) -> None:
        if replica.up and not replica.busy:
            self._start(now_s, replica)

    def _start(self, now_s: float, replica: Replica) -> None:
        make_room(replica, now_s)
        if self._style.plans_batches and (replica.waiting or replica.prefilling or replica.paused):
            self._start_planned(now_s, replica)
        elif self._style.prefill_first:
            chunks = prefill_first_chunks(replica)
            self._begin(now_s, replica, chunks, decode=not chunks)
        else:
            self._begin(now_s, replica, mixed_chunks(replica), decode=True)
        self._offer_evicted(now_s, replica)

    def _offer_evicted(self, now_s: float, replica: Replica) -> None:
        """Let those that a replica for decodes only preempted arrive anew, once its own step has begun."""
        for request in replica.evicted:
            self._moving.pop(request.uid, None)
            self._events.push(now_s, Event.OFFER, request.uid)
        replica.evicted.clear()

    def _begin(
        self, now_s: float, replica: Replica, chunks: Chunks, iterations: int = 1 << 30, *, decode: bool
    ) -> None:
        if not chunks and not replica.decoding and not replica.could_tune:
            return
        replica.begin(now_s, chunks, iterations, decode=decode)
        self.num_steps += 1
        if self.num_steps > self._max_steps:
            raise _invalid(f"the fleet took over {self._max_steps} steps: prompts are computed in far too small chunks")
        self._events.push(replica.ended_s, Event.STEP, replica.index, replica.version)

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
        tokens = request.target
        self._events.push(
            now_s + replica.cost.transfer_s(tokens, self._fleet.link_bytes_per_s), Event.ARRIVED_KV, request.uid
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
        self._events.push(now_s + self._style.rebalance_every_s, Event.REBALANCE)

    def _move(self, now_s: float, request: Request, target: Replica) -> None:
        """Waiting requests move at once, decoding ones while they go on (Llumnix's live migration)."""
        source = self.replicas[request.replica]
        if target is source or not target.up or request.uid in self._moving:
            return
        if source.cost.kv_bytes_per_token != target.cost.kv_bytes_per_token and request.generated:
            return  # another model cannot read its KV, nor has it written what is there of the answer
        if request.state is State.WAITING and target.role != DECODE and not request.prefilled:
            place = source.waiting.index((request.key, request.uid, request))
            self._enqueue(now_s, target, source.dequeue(place))
        elif request.state is State.DECODING and target.role != PREFILL:
            self._num_copies += 1
            self._moving[request.uid] = target.index, self._num_copies
            tokens = request.target + source.iteration - request.joined_iteration
            copied_s = now_s + source.cost.transfer_s(tokens, self._fleet.link_bytes_per_s)
            self._events.push(copied_s, Event.MIGRATED, request.uid, self._num_copies)

    def _land(self, now_s: float, request: Request, copy: int) -> None:
        """The copy is complete but for what was decoded meanwhile: it leaves at the next iteration boundary."""
        if self._moving.get(request.uid, (0, 0))[1] != copy:
            return  # it lost what was copied, and may be on its way again
        if request.state is not State.DECODING:  # it finished, or lost its KV: nothing to move
            del self._moving[request.uid]
            return
        source = self.replicas[request.replica]
        self._leaving.setdefault(source.index, []).append(request)
        if not source.busy:
            for leaving in self._leaving.pop(source.index):
                self._hand_over(now_s, source, leaving)
        elif source.cut_short(now_s):
            self._events.push(source.ended_s, Event.STEP, source.index, source.version)

    def _hand_over(self, now_s: float, source: Replica, request: Request) -> None:
        target = self.replicas[self._moving.pop(request.uid)[0]]
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
        lost = replica.fail(now_s)
        self._leaving.pop(replica.index, None)
        for request in lost:
            self._moving.pop(request.uid, None)
        for request in lost:
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
            self._events.push(now_s + IDLE_POLL_S, Event.POLL, replica.index)
        self._begin(now_s, replica, chunks, plan.iterations, decode=True)


def _invalid(detail: str) -> CandidateFailure:
    return CandidateFailure(Outcome.INVALID, detail)
