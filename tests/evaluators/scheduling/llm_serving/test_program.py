"""What a program may say, what is refused, and that it cannot see the future."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evaluators.candidate import Argument, CandidateFailure
from evaluators.contract import Outcome
from evaluators.scheduling.llm_serving.costs import cost_model
from evaluators.scheduling.llm_serving.fleet import Failure, Fleet
from evaluators.scheduling.llm_serving.program import ProgramDirector
from evaluators.scheduling.llm_serving.requests import BLOCK_TOKENS, Arrival, Request, State
from evaluators.scheduling.llm_serving.simulator import Simulator
from evaluators.scheduling.llm_serving.views import fleet_config
from tests.evaluators.scheduling.llm_serving.serving import arrival, fleet, random_arrivals
from tests.in_process import InProcessCandidate

PROGRAMS = Path(__file__).parents[4] / "seeds" / "llm_serving" / "baselines"
T_STAR = 2.0

WILD = """
import numpy as np
class Policy:
    def __init__(self, config):
        self.rng = np.random.default_rng(config["seed"])
    def options(self):
        return {"batches": True, "rebalance_s": 0.1, "swap": True}
    def arrive(self, now, request, replicas):
        count = replicas.shape[1]
        held = self.rng.uniform() < 0.2 and now - request[5] < 0.5
        reply = {"route": self.rng.uniform(size=count), "key": self.rng.uniform(), "hold": held}
        if self.rng.uniform() < 0.5:
            reply["frequency"] = self.rng.uniform(0.5, 1, count)
            reply["tune_s"] = self.rng.uniform(0, 0.06, count)
        return reply
    def batch(self, now, replica, state, waiting, running):
        tokens = self.rng.integers(-1, 2, len(running))
        begun = running[:, 2] == 2
        tokens[begun] = self.rng.integers(0, running[begun, 3].astype(int) + 1)
        tokens[np.flatnonzero(begun)[:1]] = running[begun, 3][:1]
        free = state[2] * 0.97 - state[3] - len(running) - 300
        admit = np.zeros(len(waiting), dtype=int)
        if len(waiting) and len(running) < 100 and waiting[0, 4] <= free:
            admit[0] = max(1, waiting[0, 3])
        if not admit.any() and len(running):
            tokens[:] = np.where(begun, running[:, 3], 1)
        return {"admit": admit, "run": tokens, "iterations": int(self.rng.integers(1, 9))}
    def rebalance(self, now, replicas, requests):
        moves = self.rng.integers(-3, replicas.shape[1], len(requests))
        return {"move": np.maximum(moves, -1)}
"""


def play(source: str, arrivals: list[Arrival], played: Fleet | None = None) -> tuple[list[Request], InProcessCandidate]:
    played = played or fleet(3, 12_000)
    candidate = InProcessCandidate(source)
    config = {**fleet_config(played), "mean_prompt": 1000.0, "mean_output": 150.0, "seed": 1}
    director = ProgramDirector(candidate, config, len(played.costs))
    return Simulator(arrivals, played, director).run(), candidate


def program(options: str = "{}", arrive: str = "", batch: str = "", rebalance: str = "") -> str:
    place = arrive or '{"route": replicas[3], "key": request[5]}'
    plan = batch or '{"admit": np.maximum(waiting[:, 3], 1).astype(int), "run": np.ones(len(running), dtype=int)}'
    move = rebalance or '{"move": np.full(len(requests), -1)}'
    return f"""
import numpy as np
class Policy:
    def __init__(self, config): pass
    def options(self): return {options}
    def arrive(self, now, request, replicas): return {place}
    def batch(self, now, replica, state, waiting, running): return {plan}
    def rebalance(self, now, replicas, requests): return {move}
"""


REFUSED = {
    "no budget at all": (program(arrive='{"route": replicas[3], "key": 0.0, "budget": [0, 0, 0]}'), "from 32 to 16384"),
    "a negative pace": (program(arrive='{"route": replicas[3], "key": 0.0, "target_s": [-1, 0, 0]}'), "from 0 to 10 s"),
    "a stopped clock": (program(arrive='{"route": replicas[3], "key": 0.0, "frequency": [0, 1, 1]}'), "from 0.5 to 1"),
    "too fast a clock": (program(arrive='{"route": replicas[3], "key": 0.0, "frequency": [1, 1, 2]}'), "found 2"),
    "negative fine-tuning": (
        program(arrive='{"route": replicas[3], "key": 0.0, "tune_s": [-1, 0, 0]}'),
        "from 0 to 10",
    ),
    "an endless retention": (program(arrive='{"route": replicas[3], "key": 0.0, "retain_s": 1e300}'), "retain_s must"),
    "NaN": (program(arrive='{"route": replicas[3] * np.nan, "key": 0.0}'), "finite"),
    "too many replicas": (program(arrive='{"route": np.zeros(4), "key": 0.0}'), "shape"),
    "held for ever": (program(arrive='{"route": replicas[3], "key": 0.0, "hold": True}'), "placed within a second"),
    "rebalancing all the time": (program(options='{"rebalance_s": 1e-9}'), "at least 0.05"),
    "an unknown replica": (
        program(options='{"rebalance_s": 0.1}', rebalance='{"move": np.full(len(requests), 3)}'),
        "below 3, found 3",
    ),
    "more tokens than are left": (
        program(options='{"batches": True}', batch='{"admit": waiting[:, 3] + 1, "run": np.ones(len(running))}'),
        "tokens to compute, the plan says",
    ),
    "a negative chunk": (
        program(options='{"batches": True}', batch='{"admit": -np.ones(len(waiting)), "run": np.ones(len(running))}'),
        "the plan says -1",
    ),
    "two decodes at once": (
        program(options='{"batches": True}', batch='{"admit": waiting[:, 3], "run": np.full(len(running), 9000)}'),
        "takes -1 (preempt) to",
    ),
    "an overfull cache": (program(options='{"batches": True}'), "no room for it"),
    "nothing, for ever": (
        program(options='{"batches": True}', batch='{"admit": 0 * waiting[:, 3], "run": np.zeros(len(running))}'),
        "left idle 200 times",
    ),
    "plans of no iteration": (
        program(
            options='{"batches": True}',
            batch='{"admit": waiting[:, 3], "run": np.ones(len(running)), "iterations": 0}',
        ),
        "at least 1, found 0",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_wrong_answer_is_invalid_and_says_why(what: str) -> None:
    source, said = REFUSED[what]
    with pytest.raises(CandidateFailure) as failure:
        play(source, random_arrivals(3, 200, rate=40.0))
    assert failure.value.outcome is Outcome.INVALID
    assert said in failure.value.detail


def test_prompts_computed_crumb_by_crumb_are_refused() -> None:
    """Else a program that costs little itself could keep the engine busy for hours."""
    crumbs = """{
        "admit": (np.arange(len(waiting)) < 1 - len(running)).astype(int),
        "run": np.minimum(np.where(running[:, 2] == 2, running[:, 3], 1), 1).astype(int),
        "iterations": 1,
    }"""
    with pytest.raises(CandidateFailure, match="far too small chunks"):
        play(program(options='{"batches": True}', batch=crumbs), random_arrivals(3, 20, rate=40.0, longest=4000))


@pytest.mark.parametrize("seed", range(2))
def test_any_valid_plan_serves_everyone(seed: int) -> None:
    arrivals = [
        replace(a, blocks=tuple(range(i % 5, i % 5 + a.prompt // BLOCK_TOKENS)))
        for i, a in enumerate(random_arrivals(seed, 80))
    ]
    failing = replace(fleet(3, 12_000), failure=Failure(replica=1, at_s=1.0, back_s=2.5))
    for request in play(WILD, arrivals, failing)[0]:
        assert request.state is State.FINISHED
        assert request.generated == request.output


@pytest.mark.parametrize("name", ["slo_chunks", "s3", "llumnix", "marconi", "wild"])
def test_two_futures_with_one_past_get_the_same_decisions(name: str) -> None:
    """Everything told up to t* is equal bit by bit, whatever comes later and however long running outputs become."""
    source = WILD if name == "wild" else (PROGRAMS / f"{name}.py").read_text()
    shared = [
        replace(a, blocks=(0, i % 4, 10 + i % 4)[: a.prompt // BLOCK_TOKENS])
        for i, a in enumerate(random_arrivals(11, 60, rate=25.0))
    ]
    run, _ = play(source, shared)
    past = [a for a in shared if a.arrival_s <= T_STAR]
    longer = [  # running at t*: nobody can know how much is still to come
        replace(a, output=a.output + 100) if request.finish_s > T_STAR else a
        for a, request in zip(past, run, strict=False)
    ]
    other = [*longer, *(arrival(T_STAR + 0.01 * i, 50, 20) for i in range(1, 40))]
    told, told_instead = (_told_until(play(source, arrivals)[1], T_STAR) for arrivals in (shared, other))
    assert len(told) >= len(past)
    assert told == told_instead


def test_numbers_of_prefixes_tell_nothing_but_which_are_equal() -> None:
    """The stream's own do: a document's is its rank by popularity, and a session's counts the turns still to come."""
    shared = [replace(a, blocks=(0, i % 4, 10 + i % 4)) for i, a in enumerate(random_arrivals(5, 30, longest=9000))]
    renamed = [replace(a, blocks=tuple(1000 - 7 * block for block in a.blocks)) for a in shared]
    source = (PROGRAMS / "marconi.py").read_text()
    told, told_of_renamed = (_told_until(play(source, arrivals)[1], np.inf) for arrivals in (shared, renamed))
    assert told == told_of_renamed
    _, candidate = play(source, shared)
    requests = [np.asarray(arguments[1]) for name, arguments in candidate.calls if name == "arrive"]
    assert [request[7] for request in requests[:6]] == [0, 1, 2, 3, 0, 1]


def _told_until(candidate: InProcessCandidate, t_star: float) -> list[tuple[str, bytes]]:
    return [
        (name, b"".join(_raw(argument) for argument in arguments))
        for name, arguments in candidate.calls
        if arguments and isinstance(arguments[0], float) and arguments[0] <= t_star
    ]


def _raw(argument: Argument) -> bytes:
    return np.asarray(argument).tobytes()


def test_a_decoding_request_moves_while_it_goes_on() -> None:
    source = program(
        options='{"rebalance_s": 1.0}',
        arrive='{"route": [0.0, 1.0, 1.0], "key": request[5]}',
        rebalance='{"move": np.full(len(requests), 1)}',
    )
    moved = play(source, [arrival(0.0, 1000, 200)])[0][0]
    stayed = play(program(), [arrival(0.0, 1000, 200)])[0][0]
    assert moved.replica == 1
    assert stayed.latency_s <= moved.latency_s < stayed.latency_s + 0.1
    assert moved.preemptions == 0


def test_a_failed_replica_costs_what_it_held() -> None:
    source = program(arrive='{"route": [0.0, 1.0, 2.0], "key": request[5]}')
    failing = replace(fleet(3), failure=Failure(replica=0, at_s=1.0, back_s=9.0))
    calm, hit = (play(source, [arrival(0.0, 1000, 200)], f)[0][0] for f in (fleet(3), failing))
    assert hit.replica == 1
    assert hit.latency_s > calm.latency_s + 0.05
    assert hit.generated == 200


def test_a_split_fleet_prefills_here_and_decodes_there() -> None:
    source = program(arrive='{"route": [1.0, 0.0, 0.0], "decode_route": [0.0, 2.0, 1.0], "key": request[5]}')
    split = replace(fleet(3), roles=(1, 1, 2), link_bytes_per_s=25e9)
    request = play(source, [arrival(0.0, 1000, 50)], split)[0][0]
    assert request.replica == 2
    alone = play(program(), [arrival(0.0, 1000, 50)])[0][0]
    sent_s = 1000 * 131_072 / 25e9 + 2e-3
    assert request.latency_s == pytest.approx(alone.latency_s + sent_s, rel=1e-6)


def test_a_program_is_told_the_kv_bytes_of_each_replica() -> None:
    models = ("llama3-8b", "llama3-70b")
    unequal = Fleet(costs=tuple(cost_model(model, "a100", 4) for model in models), roles=(0, 0))
    told = np.asarray(fleet_config(unequal)["kv_bytes_per_token"]).tolist()
    assert told == [cost.kv_bytes_per_token for cost in unequal.costs]
    assert told[0] < told[1]


def test_a_pace_shortens_the_iterations_that_decodes_share() -> None:
    arrivals = [arrival(0.0, 100, 20), arrival(0.05, 8000, 2)]
    place = '"route": [0.0, 1.0, 1.0], "key": request[5], "budget": [8192] * 3'
    whole, paced = (
        play(program(arrive="{" + place + pace + "}"), arrivals)[0] for pace in ("", ', "target_s": [0.03] * 3')
    )
    assert paced[0].tpot_s < 0.03 < whole[0].tpot_s
    assert paced[1].ttft_s > whole[1].ttft_s


def test_the_smaller_key_is_served_first() -> None:
    arrivals = [arrival(0.0, 4000, 2), *(arrival(0.01, size, 2) for size in (1500, 100, 700))]
    by_size = play(program(arrive='{"route": [0.0, 1.0, 1.0], "key": request[0]}'), arrivals)[0]
    first_s = [request.first_token_s for request in by_size[1:]]
    assert first_s[1] < first_s[2] < first_s[0]


def test_a_retained_prefix_outlives_a_younger_one() -> None:
    prompts = {name: tuple(range(100 * i, 100 * i + 7)) for i, name in enumerate(("kept", "young", "next", "kept"))}
    order = [(0.0, "kept"), (5.0, "young"), (10.0, "next"), (15.0, "kept")]
    arrivals = [arrival(at_s, 4000, 2, prompts[name]) for at_s, name in order]
    place = '{"route": [0.0, 1.0, 1.0], "key": request[5], "retain_s": RETAIN if request[7] == 0 else 0.0}'
    hits = []
    for retain_s in (0.0, 100.0):
        source = program(arrive=place.replace("RETAIN", str(retain_s)))
        hits.append(play(source, arrivals, fleet(3, 9_000))[0][-1].hit_tokens)
    assert hits[0] < hits[1] == 7 * BLOCK_TOKENS
