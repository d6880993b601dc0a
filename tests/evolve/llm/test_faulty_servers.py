"""The caller, the client and real HTTP together: three servers' worth of trouble, and books that agree."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from evolve.llm.caller import Answered, Caller, GaveUp, Question
from evolve.llm.catalogue import open_models
from evolve.llm.model import Finish, ModelSpec
from evolve.llm.prices import Price, PriceTable
from evolve.llm.purse import Purse
from evolve.llm.retrying import RetryPolicy
from tests.evolve.llm.doubles import PROMPT, MemoryLedger
from tests.fake_openai import FakeModel, FakeOpenAI, Fault, FaultPlan, fake_openai
from tests.fake_openai.faults import PASSING

PRICES = PriceTable(declared={"dear": Price(10.0, 40.0), "cheap": Price(1.0, 4.0), "hanging": Price(1.0, 4.0)})
NUM_QUESTIONS = 40


async def ask_all(
    server: FakeOpenAI, purse: Purse, ledger: MemoryLedger, policy: RetryPolicy
) -> list[Answered | GaveUp]:
    names = list(server.models)
    specs = [
        ModelSpec(
            name=name,
            base_url=server.url,
            max_tokens=500,
            concurrency=4,
            try_timeout_s=0.1 if name == "hanging" else 30.0,
        )
        for name in names
    ]

    async def no_wait(seconds: float) -> None:
        await asyncio.sleep(0)

    async with open_models(specs, {}) as models:
        caller = Caller("r", models, PRICES, purse, ledger, now=time.monotonic, sleep=no_wait, policy=policy)
        questions = [
            Question(attempt_index=i, model=names[i % len(names)], messages=PROMPT) for i in range(NUM_QUESTIONS)
        ]
        answers = [caller.ask(question, np.random.default_rng(question.attempt_index)) for question in questions]
        return list(await asyncio.gather(*answers))


def test_books_agree_though_a_third_of_the_calls_fail() -> None:
    models = [
        FakeModel(name="dear", text="CHANGE: x", faults=FaultPlan(script=PASSING, share=0.25, seed=1)),
        FakeModel(name="cheap", text="CHANGE: x", faults=FaultPlan(share=0.3, seed=2)),
    ]
    ledger, purse = MemoryLedger(), Purse(usd=5.0)
    with fake_openai(*models) as server:
        answers = asyncio.run(ask_all(server, purse, ledger, RetryPolicy()))
    assert len(ledger.rows) == server.num_requests
    assert len({(row.attempt_index, row.ordinal) for row in ledger.rows}) == len(ledger.rows)
    assert sum(isinstance(answer, Answered) for answer in answers) > 0.75 * NUM_QUESTIONS
    ends = Counter(row.finish_reason.partition(":")[0] for row in ledger.rows)
    assert set(ends) == set(Finish) - {Finish.TIMEOUT, Finish.UNREACHABLE, Finish.REFUSED, Finish.ADAPTED}
    assert purse.spent_usd == pytest.approx(sum(row.price_usd or 0.0 for row in ledger.rows))
    assert purse.spent_usd == pytest.approx(sum(answer.usd for answer in answers))
    assert purse.num_open == 0
    assert server.most_in_flight <= 8


def test_spending_ends_at_the_budget() -> None:
    ledger, purse = MemoryLedger(), Purse(usd=0.1)
    with fake_openai(FakeModel(name="dear", text="CHANGE: " + "x" * 900)) as server:
        answers = asyncio.run(ask_all(server, purse, ledger, RetryPolicy()))
    assert isinstance(answers[0], Answered)
    assert isinstance(answers[-1], GaveUp)
    assert answers[-1].out_of_budget
    assert 0.07 < purse.spent_usd <= 0.1


def test_server_that_hangs_holds_nobody_up() -> None:
    hanging = FakeModel(name="hanging", faults=FaultPlan(share=1.0, faults=(Fault.HANG,)))
    ledger = MemoryLedger()
    with fake_openai(hanging, FakeModel(name="cheap", text="CHANGE: x")) as server:
        answers = asyncio.run(ask_all(server, Purse(), ledger, replace(RetryPolicy(), max_tries=1)))
    assert [isinstance(answer, Answered) for answer in answers] == [False, True] * (NUM_QUESTIONS // 2)
    hung = [row for row in ledger.rows if row.model == "hanging"]
    assert {row.finish_reason for row in hung} == {f"{Finish.TIMEOUT}: no answer in 0.1 s"}
    assert all(row.price_usd for row in hung)  # its provider may bill what it worked on: the most that can be
