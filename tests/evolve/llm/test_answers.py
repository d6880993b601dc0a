from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.llm.answers import (
    AnswerError,
    estimated_tokens,
    one_line,
    read_chat,
    read_problem,
    read_response,
    token_bound,
    without_thoughts,
)
from evolve.llm.model import Finish, Message

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


def a_chat(content: object, **choice: object) -> bytes:
    usage = {"prompt_tokens": 12, "completion_tokens": 5}
    return json.dumps({"choices": [{"message": {"content": content}, **choice}], "usage": usage}).encode()


@pytest.mark.parametrize(
    ("content", "reason", "finish"),
    [
        ("text", "stop", Finish.STOP),
        ("text", None, Finish.STOP),  # some servers give no reason
        ("text", "length", Finish.LENGTH),
        ("", "length", Finish.LENGTH),  # all of it went into reasoning
        ("", "content_filter", Finish.CONTENT_FILTER),
        ("", "stop", Finish.EMPTY),
        (" \n", "stop", Finish.EMPTY),
        (None, "tool_calls", Finish.EMPTY),
        ("<think>on and on</think>", "stop", Finish.EMPTY),
    ],
)
def test_finish_of_a_chat_reply(content: str | None, reason: str | None, finish: Finish) -> None:
    assert read_chat(a_chat(content, finish_reason=reason)).finish is finish


def test_chat_reply_in_parts_is_joined_and_counted() -> None:
    answer = read_chat(a_chat([{"type": "text", "text": "one "}, {"type": "text", "text": "two"}]))
    assert (answer.text, answer.prompt_tokens, answer.reply_tokens) == ("one two", 12, 5)


def test_refusal_without_content_is_a_content_filter() -> None:
    body = json.dumps({"choices": [{"message": {"content": None, "refusal": "I cannot"}, "finish_reason": "stop"}]})
    assert read_chat(body.encode()).finish is Finish.CONTENT_FILTER


@pytest.mark.parametrize("tokens", [None, -1, 1.5, True, "7", 10**18])
def test_token_count_that_cannot_be_is_none(tokens: object) -> None:
    body = json.dumps({"choices": [{"message": {"content": "x"}}], "usage": {"prompt_tokens": tokens}})
    assert read_chat(body.encode()).prompt_tokens is None


def test_reply_can_be_stored_as_text() -> None:
    body = b'{"choices": [{"message": {"content": "a\\u0000b\\ud800c"}}]}'
    assert read_chat(body).text == "a\N{REPLACEMENT CHARACTER}b?c"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>502</html>",
        b"[]",
        b"{}",
        b'{"choices": []}',
        b"[" * 100_000,
        b'{"error": {"message": "overloaded"}}',
    ],
)
def test_body_outside_the_protocol_is_refused(body: bytes) -> None:
    with pytest.raises(AnswerError):
        read_chat(body)
    with pytest.raises(AnswerError):
        read_response(body)


def test_error_in_a_body_of_status_200_is_quoted() -> None:
    with pytest.raises(AnswerError, match="provider is down"):
        read_chat(b'{"error": {"message": "provider is down", "code": 502}}')


@given(JSON | JSON.map(lambda value: {"choices": [{"message": value}]}) | JSON.map(lambda value: {"output": value}))
def test_no_json_breaks_the_readers(value: object) -> None:
    body = json.dumps(value).encode()
    for read in (read_chat, read_response):
        with suppress(AnswerError):
            assert isinstance(read(body).text, str)
    assert read_problem(body).message.isprintable()


def test_response_joins_its_messages_and_leaves_out_reasoning() -> None:
    reply = {
        "status": "completed",
        "output": [
            {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "hm"}]},
            {"type": "message", "content": [{"type": "output_text", "text": "done"}]},
        ],
        "usage": {"input_tokens": 3, "output_tokens": 4},
    }
    answer = read_response(json.dumps(reply).encode())
    assert (answer.text, answer.finish, answer.prompt_tokens, answer.reply_tokens) == ("done", Finish.STOP, 3, 4)


@pytest.mark.parametrize(
    ("reason", "finish"), [("max_output_tokens", Finish.LENGTH), ("content_filter", Finish.CONTENT_FILTER)]
)
def test_incomplete_response(reason: str, finish: Finish) -> None:
    reply = {"output": [], "status": "incomplete", "incomplete_details": {"reason": reason}}
    assert read_response(json.dumps(reply).encode()).finish is finish


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error": {"message": "no such model", "code": "model_not_found"}}', "no such model"),
        (b'{"error": "model is loading"}', "model is loading"),
        (b'{"object": "error", "message": "too long"}', "too long"),
        (b'{"detail": "Not Found"}', "Not Found"),
        (b'{"detail": [{"loc": ["body"], "msg": "wrong"}]}', '[{"loc": ["body"], "msg": "wrong"}]'),
        (b"Bad\nGateway", "Bad Gateway"),
    ],
)
def test_error_bodies_of_different_servers(body: bytes, message: str) -> None:
    assert read_problem(body).message == message


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("<think>so</think>\n\nCHANGE: x", "CHANGE: x"),
        (" <think>a</think>b</think>", "b</think>"),
        ("the template opened it</think>answer", "answer"),
        ("<think>never ends", ""),
        ("a program with <think>tags</think>", "a program with <think>tags</think>"),
        ("plain", "plain"),
    ],
)
def test_leading_thoughts_are_cut(text: str, rest: str) -> None:
    assert without_thoughts(text) == rest


@given(st.text(max_size=200))
def test_bound_is_above_the_estimate(text: str) -> None:
    assert token_bound((Message("user", text),)) > estimated_tokens(text)


@given(st.text(max_size=700))
def test_one_line_is_short_and_printable(text: str) -> None:
    line = one_line(text)
    assert len(line) <= 300
    assert line.isprintable()
