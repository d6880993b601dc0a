from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from evolve.llm.model import Api, Completion, Finish, Message, ModelCall, ModelFailure, ModelSpec
from evolve.llm.openai_compatible import OpenAICompatibleModel
from tests.fake_openai import FakeModel, FakeOpenAI, Fault, FaultPlan, fake_openai

KEY = "sk-test-0123456789abcdef"
CALL = ModelCall(messages=(Message("system", "Improve it."), Message("user", "Here: \N{SNOWMAN}")), temperature=0.25)
SPEC = ModelSpec(name="m", try_timeout_s=5.0, max_tokens=321)

ENDS = {
    Fault.RATE_LIMITED: Finish.RATE_LIMITED,
    Fault.SERVER_ERROR: Finish.SERVER_ERROR,
    Fault.UNAVAILABLE: Finish.SERVER_ERROR,
    Fault.HANG: Finish.TIMEOUT,
    Fault.TRICKLE: Finish.TIMEOUT,
    Fault.TRUNCATED: Finish.LENGTH,
    Fault.EMPTY: Finish.EMPTY,
    Fault.CONTENT_FILTER: Finish.CONTENT_FILTER,
    Fault.RUBBISH_JSON: Finish.SERVER_ERROR,
    Fault.RUBBISH_TEXT: Finish.STOP,  # no program in it: found when the patch is applied
    Fault.OVERSIZED: Finish.OVERSIZED,
    Fault.ENDLESS: Finish.OVERSIZED,
    Fault.COMPRESSED: Finish.SERVER_ERROR,
    Fault.DROPPED: Finish.CONNECTION,
    Fault.REDIRECT: Finish.REFUSED,
    Fault.NO_USAGE: Finish.STOP,
    Fault.UNAUTHORISED: Finish.REFUSED,
    Fault.NOT_FOUND: Finish.REFUSED,
    Fault.OUT_OF_QUOTA: Finish.REFUSED,
}
PERMANENT = {Fault.REDIRECT, Fault.UNAUTHORISED, Fault.NOT_FOUND, Fault.OUT_OF_QUOTA}


def complete(
    server: FakeOpenAI,
    *,
    spec: ModelSpec = SPEC,
    calls: int = 1,
    key: str = KEY,
    now: Callable[[], float] | None = None,
) -> list[Completion | ModelFailure]:
    """What each of so many tries, one after the other, came to."""

    async def ask() -> list[Completion | ModelFailure]:
        options: dict[str, Any] = {} if now is None else {"unix_time": now}
        model = OpenAICompatibleModel(replace(spec, base_url=server.url), key, use_proxies=False, **options)
        outcomes: list[Completion | ModelFailure] = []
        for _ in range(calls):
            try:
                outcomes.append(await model.complete(CALL))
            except ModelFailure as failure:
                outcomes.append(failure)
        await model.close()
        return outcomes

    return asyncio.run(ask())


def with_fault(fault: Fault, **model: Any) -> FakeModel:
    return FakeModel(name="m", text="CHANGE: nothing", faults=FaultPlan(script=(fault,)), **model)


@pytest.mark.parametrize("api", list(Api))
def test_reply_comes_with_text_and_tokens(api: Api) -> None:
    with fake_openai(FakeModel(name="m", text="<think>hm</think>CHANGE: x")) as server:
        (completion,) = complete(server, spec=replace(SPEC, api=api))
    assert isinstance(completion, Completion)
    assert (completion.text, completion.finish) == ("CHANGE: x", Finish.STOP)
    assert completion.prompt_tokens > 0
    assert completion.reply_tokens > 0
    assert server.num_requests == server.num_replies == 1


def test_chat_request_holds_what_the_spec_says() -> None:
    with fake_openai(FakeModel(name="m", text="x")) as server:
        complete(server, spec=replace(SPEC, reasoning_effort="low"))
    assert server.requests[0] == {
        "model": "m",
        "messages": [{"role": "system", "content": "Improve it."}, {"role": "user", "content": "Here: \N{SNOWMAN}"}],
        "temperature": 0.25,
        "max_tokens": 321,
        "reasoning_effort": "low",
    }


def test_responses_request_holds_what_the_spec_says_and_is_not_kept() -> None:
    with fake_openai(FakeModel(name="m", text="x")) as server:
        complete(server, spec=replace(SPEC, api=Api.RESPONSES, reasoning_effort="low"))
    assert server.requests[0] == {
        "model": "m",
        "input": [{"role": "system", "content": "Improve it."}, {"role": "user", "content": "Here: \N{SNOWMAN}"}],
        "temperature": 0.25,
        "max_output_tokens": 321,
        "reasoning": {"effort": "low"},
        "store": False,
    }


@pytest.mark.parametrize("api", list(Api))
@pytest.mark.parametrize("fault", list(Fault))
def test_each_fault_has_its_name(fault: Fault, api: Api) -> None:
    timeout_s = 0.2 if ENDS[fault] is Finish.TIMEOUT else 5.0
    with fake_openai(with_fault(fault)) as server:
        (outcome,) = complete(server, spec=replace(SPEC, api=api, try_timeout_s=timeout_s))
    assert outcome.finish is ENDS[fault]
    assert server.num_requests == 1  # the package tries nothing again by itself
    if isinstance(outcome, ModelFailure):
        assert outcome.detail.isprintable()
        assert 0 < len(outcome.detail) < 400
        assert outcome.permanent == (fault in PERMANENT)
        assert outcome.retry_after_s == (0.0 if fault in (Fault.RATE_LIMITED, Fault.UNAVAILABLE) else None)


def test_next_try_after_a_fault_is_served() -> None:
    faults = (Fault.OVERSIZED, Fault.DROPPED, Fault.HANG, Fault.TRICKLE, None)
    with fake_openai(FakeModel(name="m", text="x", faults=FaultPlan(script=faults))) as server:
        outcomes = complete(server, spec=replace(SPEC, try_timeout_s=0.5), calls=5)
    assert [outcome.finish for outcome in outcomes] == [
        Finish.OVERSIZED,
        Finish.CONNECTION,
        Finish.TIMEOUT,
        Finish.TIMEOUT,
        Finish.STOP,
    ]


def test_server_that_is_not_there() -> None:
    with fake_openai() as server:
        pass
    (failure,) = complete(server)
    assert isinstance(failure, ModelFailure)
    assert failure.finish is Finish.UNREACHABLE
    assert not failure.perhaps_paid


@pytest.mark.parametrize(("header", "seconds"), [("2.5", 2.5), ("Thu, 01 Jan 1970 00:01:40 GMT", 40.0)])
def test_retry_after_is_read(header: str, seconds: float) -> None:
    with fake_openai(with_fault(Fault.RATE_LIMITED, retry_after=header)) as server:
        (failure,) = complete(server, now=lambda: 60.0)
    assert isinstance(failure, ModelFailure)
    assert failure.retry_after_s == seconds


def test_tokens_that_are_not_counted_are_estimated() -> None:
    with fake_openai(with_fault(Fault.NO_USAGE)) as server:
        (completion,) = complete(server)
    assert isinstance(completion, Completion)
    assert completion.prompt_tokens == 4 + 3  # 11 and 9 bytes, a third each, rounded up
    assert completion.reply_tokens == 5


def test_refused_parameters_are_left_out_once_and_for_all() -> None:
    refuses = ("max_tokens", "temperature", "reasoning_effort")
    with fake_openai(FakeModel(name="m", text="x", refuses=refuses)) as server:
        outcomes = complete(server, spec=replace(SPEC, reasoning_effort="high"), calls=5)
    assert [outcome.finish for outcome in outcomes] == [Finish.ADAPTED] * 3 + [Finish.STOP] * 2
    assert set(server.requests[-1]) == {"model", "messages", "max_completion_tokens"}


def test_calls_side_by_side_learn_the_same() -> None:
    with fake_openai(FakeModel(name="m", text="x", refuses=("temperature",))) as server:

        async def both() -> list[Finish]:
            model = OpenAICompatibleModel(replace(SPEC, base_url=server.url), KEY, use_proxies=False)
            failures = await asyncio.gather(model.complete(CALL), model.complete(CALL), return_exceptions=True)
            last = await model.complete(CALL)
            await model.close()
            return [failure.finish for failure in failures if isinstance(failure, ModelFailure)] + [last.finish]

        assert asyncio.run(both()) == [Finish.ADAPTED, Finish.ADAPTED, Finish.STOP]
    assert server.requests[-1]["max_tokens"] == 321


def test_cancelled_call_ends_at_once() -> None:
    with fake_openai(with_fault(Fault.HANG)) as server:

        async def cancel() -> None:
            model = OpenAICompatibleModel(replace(SPEC, base_url=server.url), KEY, use_proxies=False)
            task = asyncio.create_task(model.complete(CALL))
            while not server.in_flight:
                await asyncio.sleep(0.001)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await model.close()

        asyncio.run(asyncio.wait_for(cancel(), 10))


@pytest.mark.parametrize(
    "fault", [Fault.UNAUTHORISED, Fault.SERVER_ERROR, Fault.HANG, Fault.DROPPED, Fault.RUBBISH_JSON]
)
def test_key_is_in_no_failure_and_no_log(fault: Fault, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with fake_openai(with_fault(fault)) as server:
        (failure,) = complete(server, spec=replace(SPEC, try_timeout_s=0.2))
    assert isinstance(failure, ModelFailure)
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert KEY not in "".join(traceback.format_exception(failure))
    assert KEY not in repr(failure) + repr(vars(failure)) + caplog.text
    assert failure.__cause__ is None
    assert failure.__context__ is None


def test_key_is_not_in_the_models_name_nor_in_replies_that_repeat_it() -> None:
    with fake_openai(FakeModel(name="m", text=f"your key is {KEY}")) as server:
        model = OpenAICompatibleModel(replace(SPEC, base_url=server.url), KEY, use_proxies=False)
        assert KEY not in repr(model)
        assert KEY not in repr(model.spec)
        (completion,) = complete(server)
    assert isinstance(completion, Completion)
    assert completion.text == "your key is ***"


def test_server_without_a_key_learns_nothing_of_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-mine")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-mine")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with fake_openai(FakeModel(name="m", text="x")) as server:
        complete(server, key="")
    sent = server.headers[0]
    assert sent["authorization"] == "Bearer EMPTY"
    assert not {"org-mine", "proj-mine", KEY} & set(sent.values())
