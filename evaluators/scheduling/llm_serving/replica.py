"""One replica: its queues, its KV cache and the step it is in.

A step is one mixed iteration (decodes and prefill chunks) or a stretch of k decode-only iterations. The j-th iteration
of a stretch takes ``A + D j``, so a stretch is one event and needs no work per token: sequences that decode are
counted by the replica's iteration number, and what one of them has generated follows from when it joined.
"""

from __future__ import annotations

import heapq
import math
from bisect import insort

from evaluators.scheduling.llm_serving.costs import CostModel
from evaluators.scheduling.llm_serving.pace import Pace
from evaluators.scheduling.llm_serving.prefix import PrefixCache
from evaluators.scheduling.llm_serving.requests import BLOCK_TOKENS, Request, State

MIXED, PREFILL, DECODE = 0, 1, 2  # roles
NO_STRETCH = 0  # a mixed step, which is one iteration, or none at all

Queue = list[tuple[float, int, Request]]


class Replica:
    """State that the batching rules and the simulator change together; times are the caller's."""

    def __init__(self, index: int, cost: CostModel, role: int = MIXED, budget: int = 512) -> None:
        self.index = index
        self.cost = cost
        self.role = role
        self.up = True
        self.budget = budget  # tokens per iteration, decodes included
        self.target_s = 0.0  # wanted length of an iteration with prefill; 0 is none
        self.pace: Pace | None = None  # clock and fine-tuning, once somebody sets them or energy is counted
        self.swaps = False  # whether preemption copies KV to the host, instead of computing it anew later
        self.copy_s = 0.0  # between host and GPU, due before the next step
        self.cache = PrefixCache()
        self.kv_used = 0  # tokens of running requests, shared blocks counted once
        self.waiting: Queue = []
        self.prefilling: Queue = []
        self.decoding: dict[int, Request] = {}
        self.paused: dict[int, Request] = {}
        self.evicted: list[Request] = []  # preempted where no prompt may be computed: to be placed anew
        self.finishers: list[tuple[int, int, Request]] = []
        self.read_tokens = 0  # KV tokens that one decode iteration reads
        self.queued_tokens = 0  # prompt tokens still to compute, waiting and running
        self.predicted_tokens = 0.0  # of output, over all requests here
        self.generated_tokens = 0  # by the requests here
        self.iteration = 0
        self.kv_peak = 0
        self.busy = False
        self.started_s = 0.0
        self.ended_s = 0.0
        self.step_s = 0.0  # A
        self.growth_s = 0.0  # D
        self.stretch = NO_STRETCH  # iterations of the running stretch
        self.advancing = 0  # sequences that decode in the running step
        self.chunks: list[tuple[Request, int]] = []
        self.version = 0  # an event of another version is stale

    # --- queues -----------------------------------------------------------------------------------------------------

    @property
    def num_running(self) -> int:
        """Sequences that hold a seat."""
        return len(self.decoding) + len(self.prefilling) + len(self.paused)

    def enqueue(self, request: Request) -> None:
        """Let it wait here, in the order of its key."""
        request.state = State.WAITING
        request.replica = self.index
        insort(self.waiting, (request.key, request.uid, request))
        self.queued_tokens += request.target - request.prefilled
        self._count_in(request)

    def dequeue(self, place: int) -> Request:
        """Take the request at a place of the waiting queue away from this replica."""
        request = self.waiting.pop(place)[2]
        request.state = State.OUTSIDE
        self.queued_tokens -= request.target - request.prefilled
        self._count_out(request)
        return request

    # --- decoding -----------------------------------------------------------------------------------------------------

    def join(self, request: Request) -> None:
        """Its KV is complete: it takes part in every iteration from the next one on."""
        request.state = State.DECODING
        request.joined_iteration = self.iteration
        request.finish_iteration = self.iteration + request.output - request.generated
        self.decoding[request.uid] = request
        self.read_tokens += request.target
        heapq.heappush(self.finishers, (request.finish_iteration, request.uid, request))

    def pause(self, request: Request) -> None:
        """It keeps its KV and seat, but does not decode."""
        self._settle(request)
        del self.decoding[request.uid]
        self.read_tokens -= request.target
        request.state = State.PAUSED
        request.finish_iteration = -1
        self.paused[request.uid] = request

    def resume(self, request: Request) -> None:
        """It decodes again."""
        del self.paused[request.uid]
        self.join(request)

    def remove(self, request: Request, now_s: float) -> None:
        """Take a running request away and free its KV; shared blocks stay in the cache."""
        if request.state is State.DECODING:
            self._settle(request)
            del self.decoding[request.uid]
            self.read_tokens -= request.target
        elif request.state is State.PAUSED:
            del self.paused[request.uid]
        else:
            self.prefilling.remove((request.key, request.uid, request))
            self.queued_tokens -= request.target - request.prefilled
        self.kv_used -= request.target - BLOCK_TOKENS * request.shared
        if request.shared:
            held = request.blocks[: request.shared]
            self.kv_used -= BLOCK_TOKENS * self.cache.release(held, now_s + request.retain_s)
            request.shared = 0
        request.state = State.OUTSIDE
        request.finish_iteration = -1
        self._count_out(request)

    def preempt(self, request: Request, now_s: float) -> None:
        """Take its KV away; it waits for room, to get it back or to compute prompt and generated tokens anew.

        The latter is not for a replica that only decodes: there it is `evicted`.
        """
        self.remove(request, now_s)
        request.preemptions += 1
        if self.swaps and request.prefilled:
            request.swapped = True
            self.copy_s += self.cost.swap_s(request.prefilled)
        else:
            request.forget()
            if self.role == DECODE:
                self.evicted.append(request)
                return
        self.enqueue(request)

    def fail(self, now_s: float) -> list[Request]:
        """Go down: everything it holds is lost; returns that, oldest first, with the iterations that were over."""
        if over := self.iterations_by(now_s):
            self.stretch = over
            self.advance()
        self._stop()
        self.up, self.chunks, self.copy_s = False, [], 0.0
        self.version += 1
        lost = [*self.decoding.values(), *self.paused.values(), *(r for _, _, r in self.prefilling)]
        for request in lost:
            self.remove(request, now_s)
        while self.waiting:
            lost.append(self.dequeue(0))
        self.cache.trim(0)
        for request in lost:
            request.forget()
        return sorted(lost, key=lambda r: r.uid)

    def least_urgent(self) -> Request:
        """The running request with the largest key."""
        running = [(r.key, r.uid, r) for r in (*self.decoding.values(), *self.paused.values())]
        return max([*running, *self.prefilling[-1:]])[2]

    @property
    def could_tune(self) -> bool:
        """Whether it is up, has nothing else to do and is to spend its idle time on fine-tuning."""
        idle = self.up and not (self.waiting or self.num_running)
        return idle and self.pace is not None and self.pace.fits_tuning(self.cost)

    # --- steps --------------------------------------------------------------------------------------------------------

    def begin(
        self, now_s: float, chunks: list[tuple[Request, int]], most_iterations: int = 1 << 30, *, decode: bool = True
    ) -> None:
        """Start a mixed iteration, or a decode stretch until a sequence ends, KV is full or `most_iterations`.

        Needs chunks, decodes or fine-tuning, and KV room for a token of each decode.
        """
        decoding = len(self.decoding) if decode else 0
        sizes = [(request.prefilled, size) for request, size in chunks]
        self.busy = True
        self.chunks = chunks
        self.advancing = decoding
        self.started_s = now_s + self.copy_s
        self.copy_s = 0.0
        self.step_s = self.cost.iteration_s(decoding, self.read_tokens if decode else 0, sizes)
        if self.pace is not None:
            self.step_s = self.pace.begin(self.cost, decoding, sizes, self.step_s)
        self.growth_s = 0.0
        self.stretch = NO_STRETCH
        if not chunks:
            self.stretch = self._longest_stretch(decoding, most_iterations)
            self.growth_s = self.cost.decode_growth_s(decoding)
        self.ended_s = self.started_s + self._duration_s(max(1, self.stretch))
        self.version += 1

    def cut_short(self, now_s: float) -> bool:
        """End a stretch at the next iteration boundary; whether that changes when it ends."""
        iterations = self.iterations_by(now_s) + 1
        if iterations >= self.stretch:
            return False
        self.stretch = iterations
        self.ended_s = self.started_s + self._duration_s(iterations)
        self.version += 1
        return True

    def tuned_by(self, now_s: float) -> int:
        """Tokens fine-tuned in whole iterations so far."""
        if self.pace is None:
            return 0
        return self.pace.tuned_tokens + (self.pace.tuning * self.iterations_by(now_s) if self.busy else 0)

    def iterations_by(self, now_s: float) -> int:
        """Iterations of the running stretch that are over; 0 in a mixed step and while idle."""
        if self.stretch <= 1:
            return 0
        elapsed, half = max(0.0, now_s - self.started_s), 0.5 * self.growth_s
        linear = self.step_s - half
        if half:
            done = int((math.sqrt(linear * linear + 4 * half * elapsed) - linear) / (2 * half))
        else:  # nobody decodes
            done = int(elapsed / linear)
        if self._duration_s(done) > elapsed:  # the root may be off by rounding
            done -= 1
        return min(max(done, 0), self.stretch - 1)

    def advance(self) -> list[Request]:
        """End the step: its tokens are there. Returns the decoding requests that produced their last one."""
        iterations = max(1, self.stretch)
        if self.pace is not None:
            self.pace.end(self.cost, iterations, self._duration_s(iterations))
        if self.advancing:
            self.iteration += iterations
        tokens = self.advancing * iterations
        self._stop()
        self.read_tokens += tokens
        self.kv_used += tokens
        self.generated_tokens += tokens
        self.kv_peak = max(self.kv_peak, self.kv_used)
        self.trim()
        ended = []
        finishers = self.finishers
        while finishers and finishers[0][0] <= self.iteration:
            when, _, request = heapq.heappop(finishers)
            if request.finish_iteration == when and request.replica == self.index:
                request.finish_iteration = -1
                ended.append(request)
        return ended

    def complete_prefill(self, request: Request) -> None:
        """Its last chunk is done: whole blocks become shareable and it leaves the prefilling queue."""
        self.prefilling.remove((request.key, request.uid, request))
        whole = min(len(request.blocks), request.target // BLOCK_TOKENS)
        if whole > request.shared:
            fresh = self.cache.hold(request.blocks[request.shared : whole])
            self.kv_used -= BLOCK_TOKENS * (whole - request.shared - fresh)  # computed twice, kept once
            request.shared = whole
        request.generated += 1
        self.generated_tokens += 1

    def _stop(self) -> None:
        """No step runs, and nothing of the last one is left to be taken for a running one's."""
        self.busy, self.stretch, self.advancing = False, NO_STRETCH, 0

    def trim(self) -> None:
        """Drop idle blocks that running requests need the room of."""
        if self.cache.num_idle:
            self.cache.trim((self.cost.kv_tokens - self.kv_used) // BLOCK_TOKENS)

    def _duration_s(self, iterations: int) -> float:
        return iterations * self.step_s + 0.5 * self.growth_s * iterations * (iterations - 1)

    def _longest_stretch(self, decoding: int, most: int) -> int:
        if not decoding:
            return most
        free = (self.cost.kv_tokens - self.kv_used) // decoding
        return max(1, min(self._next_finish() - self.iteration, free, most))

    def _next_finish(self) -> int:
        finishers = self.finishers
        while True:
            when, _, request = finishers[0]
            if request.finish_iteration == when and request.replica == self.index:
                return when
            heapq.heappop(finishers)

    def _settle(self, request: Request) -> None:
        """Write what it has generated so far into it; `target` becomes its context."""
        steps = self.iteration - request.joined_iteration
        request.generated += steps
        request.target += steps
        request.prefilled = request.target
        request.joined_iteration = self.iteration

    def _count_in(self, request: Request) -> None:
        self.predicted_tokens += request.arrival.predicted
        self.generated_tokens += request.generated

    def _count_out(self, request: Request) -> None:
        self.predicted_tokens -= request.arrival.predicted
        self.generated_tokens -= request.generated
