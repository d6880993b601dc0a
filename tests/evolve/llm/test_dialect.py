from __future__ import annotations

import pytest

from evolve.llm.answers import Problem
from evolve.llm.dialect import Dialect, parameter_at_fault


def test_limit_changes_its_name_and_then_is_left_out() -> None:
    dialect = Dialect()
    message = (
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    )
    for problem, limit in (
        (Problem(message=message, code="unsupported_parameter", parameter="max_tokens"), "max_completion_tokens"),
        (Problem(message="Unrecognized request argument supplied: max_completion_tokens"), ""),
    ):
        dialect = dialect.without(parameter_at_fault(dialect, problem))
        assert dialect.limit == limit
    assert parameter_at_fault(dialect, Problem(message=message)) == ""


@pytest.mark.parametrize(
    ("problem", "parameter"),
    [
        (
            Problem(
                message="Unsupported value: 'temperature' does not support 0.2 with this model.",
                code="unsupported_value",
                parameter="temperature",
            ),
            "temperature",
        ),
        (Problem(message="temperature is not supported with reasoning models"), "temperature"),
        (Problem(message="Unknown field: reasoning_effort"), "reasoning_effort"),
        (Problem(message="Unsupported parameter", parameter="reasoning.effort"), "reasoning"),
        (Problem(message="store: Extra inputs are not permitted"), "store"),
    ],
)
def test_refused_parameter_is_left_out(problem: Problem, parameter: str) -> None:
    assert parameter_at_fault(Dialect(), problem) == parameter
    dialect = Dialect().without(parameter)
    assert not dialect.takes(parameter)
    assert dialect.limit == "max_tokens"
    assert dialect.without(parameter) == dialect


@pytest.mark.parametrize(
    "message",
    [
        "max_tokens is too large: 8192. This model supports at most 4096 completion tokens",
        "This model's maximum context length is 8192 tokens",
        "temperature must be between 0 and 1",
        "Unsupported image format",
    ],
)
def test_other_refusals_stand(message: str) -> None:
    assert parameter_at_fault(Dialect(), Problem(message=message)) == ""
