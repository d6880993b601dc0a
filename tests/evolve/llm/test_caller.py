from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import pytest

from evolve.errors import ConfigError
from evolve.llm.answers import token_bound
from evolve.llm.caller import Answered, Caller, GaveUp, Question
from evolve.llm.model import Completion, Finish, ModelSpec
from evolve.llm.prices import Price, PriceTable
from evolve.llm.purse import Purse
from evolve.llm.retrying import RetryPolicy
from evolve.llm.transcript import prompt_messages, stored_completion
from tests.evolve.llm.doubles import (
    PROMPT,
    Answer,
    MemoryLedger,
    ScriptedModel,
    StillClock,
    a_completion,
    a_failure,
    never,
)

T = TypeVar("T")
QUESTION = Question(attempt_index=7, model="m", messages=PROMPT, temperature=0.5)
PRICES = PriceTable(declared={"m": Price(1000.0, 2000.0)})  # a_completion() costs 0.1 + 0.1 USD
FREE_PRICES = PriceTable()


def run(awaitable: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(awaitable, 20))


def rng(seed: int = 3) -> np.random.Generator:
    return np.random.default_rng(seed)


class Desk:
    """A caller with all its neighbours."""

    def __init__(
        self,
        *script: Answer,
        purse: Purse | None = None,
        prices: PriceTable = PRICES,
        policy: RetryPolicy | None = None,
    ) -> None:
        self.model = ScriptedModel(*script)
        self.clock = StillClock()
        self.ledger = MemoryLedger()
        self.purse = purse or Purse()
        self.caller = Caller(
            "run00000",
            {"m": self.model},
            prices,
            self.purse,
            self.ledger,
            now=self.clock.now,
            sleep=self.clock.sleep,
            policy=policy,
        )

    @property
    def reasons(self) -> list[str]:
        return [row.finish_reason for row in self.ledger.rows]


def test_answer_is_a_row_with_tokens_and_price() -> None:
    desk = Desk(a_completion())
    answered = run(desk.caller.ask(replace(QUESTION, first_ordinal=2), rng()))
    assert answered == Answered(a_completion(), next_ordinal=3, usd=0.2)
    (row,) = desk.ledger.rows
    assert (row.run_id, row.attempt_index, row.ordinal, row.model) == ("run00000", 7, 2, "m")
    assert (row.prompt_tokens, row.reply_tokens, row.price_usd) == (100, 50, 0.2)
    assert prompt_messages(row.prompt) == PROMPT
    assert stored_completion(row) == a_completion()
    assert desk.purse.spent_usd == pytest.approx(0.2)
    assert desk.purse.reserved_usd == 0
    assert desk.model.calls[0].temperature == 0.5


def test_every_failed_try_is_a_row_with_its_reason() -> None:
    failures: list[Answer] = [
        a_failure(Finish.RATE_LIMITED),
        a_failure(Finish.TIMEOUT),
        a_completion(Finish.LENGTH, "cut"),
    ]
    desk = Desk(*failures, a_completion())
    answered = run(desk.caller.ask(QUESTION, rng()))
    assert isinstance(answered, Answered)
    assert answered.next_ordinal == 4
    assert desk.reasons == ["rate_limited: as scripted", "timeout: as scripted", "length", "stop"]
    assert [row.ordinal for row in desk.ledger.rows] == [0, 1, 2, 3]
    assert [row.reply for row in desk.ledger.rows] == ["", "", "cut", "CHANGE: x"]
    most = PRICES.usd(desk.model.spec, token_bound(PROMPT), desk.model.spec.max_tokens)  # it may be billed all the same
    prices = [row.price_usd for row in desk.ledger.rows]
    assert prices == [0.0, most, pytest.approx(0.2), pytest.approx(0.2)]
    assert desk.purse.spent_usd == pytest.approx((most or 0.0) + 0.4)


def test_what_may_be_billed_counts_against_the_tokens_too() -> None:
    bound = token_bound(PROMPT) + ScriptedModel().spec.max_tokens
    desk = Desk(a_failure(Finish.TIMEOUT), prices=FREE_PRICES, purse=Purse(tokens=2 * bound))
    gave_up = run(desk.caller.ask(QUESTION, rng()))
    assert isinstance(gave_up, GaveUp)
    assert gave_up.out_of_budget
    assert len(desk.model.calls) == 2
    in_rows = sum(row.prompt_tokens + row.reply_tokens for row in desk.ledger.rows)  # which a resumed run counts
    assert in_rows == desk.purse.spent_tokens == 2 * bound


def test_timeout_of_a_free_model_costs_nothing() -> None:
    desk = Desk(a_failure(Finish.TIMEOUT), a_completion(), prices=FREE_PRICES)
    run(desk.caller.ask(QUESTION, rng()))
    assert [row.price_usd for row in desk.ledger.rows] == [0.0, 0.0]


def test_tries_are_bounded_and_waits_follow_from_the_seed() -> None:
    waits = []
    for _ in range(2):
        desk = Desk(a_failure(Finish.SERVER_ERROR))
        gave_up = run(desk.caller.ask(QUESTION, rng()))
        assert gave_up == GaveUp("4 tries failed; the last: server_error: as scripted", next_ordinal=4, usd=0.0)
        assert len(desk.model.calls) == len(desk.ledger.rows) == 4
        waits.append(desk.clock.sleeps_s)
    assert waits[0] == waits[1]
    assert len(set(waits[0])) == 3


def test_server_is_given_the_time_it_asks_for() -> None:
    desk = Desk(a_failure(Finish.RATE_LIMITED, retry_after_s=30.0), a_completion())
    assert isinstance(run(desk.caller.ask(QUESTION, rng())), Answered)
    assert 30 <= desk.clock.sleeps_s[0] <= 31


def test_model_that_asks_for_more_time_than_a_proposal_has_is_given_up() -> None:
    desk = Desk(a_failure(Finish.RATE_LIMITED, retry_after_s=86_400.0))
    for _ in range(3):
        assert isinstance(run(desk.caller.ask(QUESTION, rng())), GaveUp)
    assert desk.clock.sleeps_s == []
    assert desk.caller.exhausted == desk.caller.broken["m"] != ""


def test_deadline_holds_though_the_model_never_answers() -> None:
    desk = Desk(never, policy=RetryPolicy(deadline_s=0.05))
    gave_up = run(desk.caller.ask(QUESTION, rng()))
    assert isinstance(gave_up, GaveUp)
    assert desk.reasons[0] == "timeout: no answer in 0.05 s, the deadline of the proposal"
    assert desk.purse.num_open == 0


def test_refused_request_is_not_repeated() -> None:
    desk = Desk(a_failure(Finish.REFUSED))
    gave_up = run(desk.caller.ask(QUESTION, rng()))
    assert isinstance(gave_up, GaveUp)
    assert gave_up.reason == "the server refuses the request; the last: refused: as scripted"
    assert len(desk.ledger.rows) == 1


def test_model_is_out_after_three_refusals_in_a_row() -> None:
    no, yes = a_failure(Finish.REFUSED, permanent=True), a_completion()
    desk = Desk(no, no, yes, no, no, no)
    for _ in range(6):
        assert not desk.caller.exhausted
        run(desk.caller.ask(QUESTION, rng()))
    assert "3 calls in a row were refused, the last with 'as scripted'" in desk.caller.broken["m"]
    gave_up = run(desk.caller.ask(QUESTION, rng()))
    assert gave_up == GaveUp(desk.caller.broken["m"], next_ordinal=0, usd=0.0)
    assert len(desk.model.calls) == 6


def test_a_server_that_goes_away_for_a_while_costs_no_attempt() -> None:
    yes, away = a_completion(), a_failure(Finish.UNREACHABLE)
    desk = Desk(yes, *[away] * 10, yes)
    for _ in range(2):
        assert isinstance(run(desk.caller.ask(QUESTION, rng())), Answered)
    assert len(desk.ledger.rows) == 12


def test_a_server_that_stays_away_costs_one_attempt_and_is_named() -> None:
    desk = Desk(a_completion(), a_failure(Finish.UNREACHABLE))
    run(desk.caller.ask(QUESTION, rng()))
    assert isinstance(run(desk.caller.ask(QUESTION, rng())), GaveUp)
    assert "nobody answered at http://127.0.0.1:1/v1 for 600 s" in desk.caller.exhausted
    made = len(desk.model.calls)
    run(desk.caller.ask(QUESTION, rng()))
    assert len(desk.model.calls) == made


def test_a_server_that_never_answered_is_given_up_soon() -> None:
    desk = Desk(a_failure(Finish.UNREACHABLE))
    for _ in range(3):
        assert not desk.caller.exhausted
        run(desk.caller.ask(QUESTION, rng()))
    assert "in 12 calls in a row" in desk.caller.exhausted
    assert desk.clock.now_s < 1100


def test_budget_without_room_buys_nothing() -> None:
    desk = Desk(a_completion(), purse=Purse(usd=1.0))  # 8192 reply tokens may cost 16 USD
    gave_up = run(desk.caller.ask(QUESTION, rng()))
    assert gave_up == GaveUp("the budget of $1 leaves no room for a call", 0, 0.0, out_of_budget=True)
    assert desk.model.calls == []
    assert desk.caller.exhausted == gave_up.reason


def test_run_goes_on_while_one_model_can_be_paid() -> None:
    cheap = ScriptedModel(a_completion(), spec=ModelSpec(name="cheap", max_tokens=100))
    prices = PriceTable(declared={"m": Price(1000.0, 2000.0), "cheap": Price(1.0, 1.0)})
    desk, purse = Desk(), Purse(usd=1.0)
    models = {"m": ScriptedModel(a_completion()), "cheap": cheap}
    caller = Caller("r", models, prices, purse, desk.ledger, now=desk.clock.now, sleep=desk.clock.sleep)
    assert isinstance(run(caller.ask(QUESTION, rng())), GaveUp)
    assert caller.exhausted == ""
    assert isinstance(run(caller.ask(replace(QUESTION, model="cheap"), rng())), Answered)


def test_a_model_asked_aside_has_its_own_patience_and_the_run_goes_on_without_it() -> None:
    writer = ScriptedModel(a_completion())
    judge = ScriptedModel(a_failure(Finish.REFUSED, permanent=True), spec=ModelSpec(name="judge"))
    slow = ScriptedModel(a_failure(Finish.SERVER_ERROR), spec=ModelSpec(name="slow"))
    clock, ledger = StillClock(), MemoryLedger()
    caller = Caller(
        "r",
        {"m": writer, "judge": judge, "slow": slow},
        FREE_PRICES,
        Purse(),
        ledger,
        now=clock.now,
        sleep=clock.sleep,
        aside={"judge": RetryPolicy(), "slow": RetryPolicy(max_tries=2)},
    )
    for _ in range(4):
        assert isinstance(run(caller.ask(replace(QUESTION, model="judge"), rng())), GaveUp)
    assert list(caller.broken) == ["judge"]
    assert caller.exhausted == ""
    assert isinstance(run(caller.ask(replace(QUESTION, model="slow"), rng())), GaveUp)
    assert len(slow.calls) == 2
    assert isinstance(run(caller.ask(QUESTION, rng())), Answered)


def test_a_broken_writer_ends_the_run_whatever_the_judge_can_do() -> None:
    refusing = ScriptedModel(a_failure(Finish.REFUSED, permanent=True))
    judge = ScriptedModel(a_completion(), spec=ModelSpec(name="judge"))
    clock = StillClock()
    models = {"m": refusing, "judge": judge}
    caller = Caller(
        "r",
        models,
        FREE_PRICES,
        Purse(),
        MemoryLedger(),
        now=clock.now,
        sleep=clock.sleep,
        aside={"judge": RetryPolicy()},
    )
    for _ in range(3):
        run(caller.ask(QUESTION, rng()))
    assert "model 'm' is not asked any more" in caller.exhausted


def test_call_waits_for_room_that_calls_in_flight_may_give_back() -> None:
    """A budget for one upper bound at a time serves many calls, one after the other, and is never overspent."""
    desk = Desk(a_completion(), purse=Purse(usd=18.0))

    async def ask_all() -> list[Answered | GaveUp]:
        questions = [replace(QUESTION, attempt_index=index) for index in range(8)]
        return list(await asyncio.gather(*(desk.caller.ask(question, rng()) for question in questions)))

    answers = run(ask_all())
    assert [type(answer) for answer in answers] == [Answered] * 7 + [GaveUp]  # the eighth would need 16.7 of 16.6 USD
    assert desk.model.most_in_flight == 1
    assert desk.purse.spent_usd == pytest.approx(1.4)


def test_calls_in_flight_are_bounded() -> None:
    desk = Desk(a_completion())
    desk.model.spec = ModelSpec(name="m", base_url="http://127.0.0.1:1/v1", concurrency=2)
    caller = Caller("r", {"m": desk.model}, PRICES, desk.purse, desk.ledger, now=desk.clock.now, sleep=desk.clock.sleep)

    async def ask_all() -> list[Answered | GaveUp]:
        return await asyncio.gather(*[caller.ask(replace(QUESTION, attempt_index=i), rng()) for i in range(7)])

    assert all(isinstance(answer, Answered) for answer in run(ask_all()))
    assert desk.model.most_in_flight == 2


def test_calls_in_flight_are_bounded_over_all_models_too() -> None:
    models: dict[str, ScriptedModel] = {}
    in_flight: list[int] = []

    async def counted() -> Completion:
        in_flight.append(sum(model.in_flight for model in models.values()))
        return a_completion()

    models |= {name: ScriptedModel(counted, spec=ModelSpec(name=name)) for name in ("m", "n")}
    clock = StillClock()
    caller = Caller("run", models, FREE_PRICES, Purse(), MemoryLedger(), now=clock.now, sleep=clock.sleep, max_calls=3)

    async def scene() -> None:
        questions = [Question(attempt_index=i, model="mn"[i % 2], messages=PROMPT) for i in range(10)]
        await asyncio.gather(*(caller.ask(question, rng()) for question in questions))

    run(scene())
    assert max(in_flight) == 3


def test_cancelled_call_leaves_no_row_and_no_reservation() -> None:
    desk = Desk(never)

    async def cancel() -> None:
        tasks = [asyncio.create_task(desk.caller.ask(replace(QUESTION, attempt_index=i), rng())) for i in range(2)]
        while len(desk.model.calls) < 2:
            await asyncio.sleep(0)
        assert desk.purse.num_open == 2
        tasks[0].cancel()
        assert isinstance((await asyncio.gather(tasks[0], return_exceptions=True))[0], asyncio.CancelledError)
        assert desk.purse.num_open == 1
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    run(cancel())
    assert desk.ledger.rows == []
    assert desk.purse.num_open == 0
    assert desk.model.in_flight == 0


def test_answer_that_was_read_when_ctrl_c_came_is_kept() -> None:
    desk = Desk(a_completion())

    async def unstoppable() -> Completion:
        try:
            return await never()
        except asyncio.CancelledError:
            return a_completion()  # its last byte came in the same turn of the loop

    desk.model = ScriptedModel(unstoppable)
    caller = Caller("r", {"m": desk.model}, PRICES, desk.purse, desk.ledger, now=desk.clock.now, sleep=desk.clock.sleep)

    async def cancel() -> None:
        task = asyncio.create_task(caller.ask(QUESTION, rng()))
        while not desk.model.calls:
            await asyncio.sleep(0)
        for _ in range(5):
            await asyncio.sleep(0)
        task.cancel()
        assert isinstance((await asyncio.gather(task, return_exceptions=True))[0], asyncio.CancelledError)

    run(cancel())
    assert desk.reasons == ["stop"]
    assert desk.purse.spent_usd == pytest.approx(0.2)


def test_row_comes_before_anything_acts_on_the_answer() -> None:
    """A ledger that cannot store stops the question; nothing is booked that is not on the disk."""

    class FullDisk:
        def add_reply(self, reply: object) -> None:
            raise OSError("no space left")

    desk = Desk(a_completion())
    caller = Caller("r", {"m": desk.model}, PRICES, desk.purse, FullDisk(), now=desk.clock.now, sleep=desk.clock.sleep)
    with pytest.raises(OSError, match="no space"):
        run(caller.ask(QUESTION, rng()))
    assert desk.purse.spent_usd == 0
    assert desk.purse.num_open == 0


def test_unknown_model_is_named() -> None:
    with pytest.raises(ConfigError, match="expected one of the models m, found 'other'"):
        run(Desk(a_completion()).caller.ask(replace(QUESTION, model="other"), rng()))
