from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.records import ModelReply
from evolve.llm.model import Finish, Message
from evolve.llm.transcript import TranscriptError, prompt_messages, prompt_text, stored_completion

MESSAGES = st.lists(st.builds(Message, st.sampled_from(["system", "user", "assistant"]), st.text()), max_size=4)


@given(MESSAGES.map(tuple))
def test_prompt_reads_back_equal(messages: tuple[Message, ...]) -> None:
    assert prompt_messages(prompt_text(messages)) == messages


@pytest.mark.parametrize("text", ["", "3", '[{"role": "user"}]', '[{"role": "user", "text": 3}]'])
def test_text_that_is_no_prompt_is_refused(text: str) -> None:
    with pytest.raises(TranscriptError):
        prompt_messages(text)


def test_only_a_usable_row_is_an_answer() -> None:
    row = ModelReply(
        run_id="r",
        attempt_index=0,
        ordinal=0,
        model="m",
        prompt="[]",
        reply="text",
        finish_reason="stop",
        prompt_tokens=3,
        reply_tokens=1,
        price_usd=0.0,
        latency_s=0.5,
    )
    completion = stored_completion(row)
    assert completion is not None
    assert (completion.text, completion.finish, completion.reply_tokens) == ("text", Finish.STOP, 1)
    assert stored_completion(replace(row, finish_reason="length")) is None
    assert stored_completion(replace(row, finish_reason="timeout: no answer in 180 s", reply="")) is None
