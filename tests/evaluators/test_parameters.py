from __future__ import annotations

import os
from pathlib import Path

import pytest

from evaluators import registry
from evaluators.contract import ContractError, Parameter, ParameterKind, ParameterValue
from evaluators.parameters import file_path, read_settings, read_value
from evaluators.sources import read_assignments, read_program
from evaluators.toy import PROBLEM

NUMBER = Parameter(name="x", kind=ParameterKind.NUMBER, default=1.0, description="", minimum=0, maximum=2)
INTEGER = Parameter(name="n", kind=ParameterKind.INTEGER, default=1, description="", minimum=1)
CHOICE = Parameter(name="c", kind=ParameterKind.CHOICE, default="a", description="", choices=("a", "b"))
FILE = Parameter(name="f", kind=ParameterKind.FILE, default="", description="")


@pytest.mark.parametrize(
    ("spec", "text", "value"),
    [(NUMBER, "1.5", 1.5), (NUMBER, 2, 2.0), (INTEGER, "7", 7), (INTEGER, 7.0, 7), (CHOICE, "b", "b"), (FILE, "", "")],
)
def test_values_are_read_as_their_kind(spec: Parameter, text: ParameterValue, value: ParameterValue) -> None:
    assert read_value(spec, text) == value


@pytest.mark.parametrize(
    ("spec", "text", "complaint"),
    [
        (NUMBER, "abc", "expected a number, found 'abc'"),
        (NUMBER, "nan", "expected a number"),
        (NUMBER, "3", "from 0 to 2, found 3"),
        (INTEGER, "1.5", "expected an integer"),
        (INTEGER, 1.5, "expected an integer"),
        (INTEGER, "0", "found 0"),
        (INTEGER, float("inf"), "expected an integer, found inf"),
        (CHOICE, "d", "one of a, b"),
        (FILE, "/nonexistent/loads.json", "cannot read"),
        (FILE, "~nobody of that name/loads.json", "f: '~nobody of that name/loads.json' is no path here"),
        (FILE, "loads\0.json", "is no path here: embedded null byte"),
    ],
)
def test_bad_values_say_what_was_expected(spec: Parameter, text: ParameterValue, complaint: str) -> None:
    with pytest.raises(ContractError, match=complaint):
        read_value(spec, text)


def test_an_unknown_parameter_names_the_nearest() -> None:
    with pytest.raises(ContractError, match="did you mean 'hints'"):
        read_settings(PROBLEM.task, {"hint": "3"})


def test_a_task_in_the_home_of_nobody_is_refused() -> None:
    with pytest.raises(ContractError, match="'~nobody of that name/task' is no path here"):
        registry.problem("~nobody of that name/task")


def test_an_unknown_task_names_the_nearest() -> None:
    with pytest.raises(ContractError, match="did you mean 'toy'"):
        registry.problem("toyy")


def test_a_file_is_known_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "loads.json"
    path.write_text("one")
    value = read_value(FILE, str(path))
    assert file_path(value) == path
    assert read_value(FILE, value) == value
    path.write_text("two")
    with pytest.raises(ContractError, match="has changed"):
        read_value(FILE, value)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "loads.json")
    with pytest.raises(ContractError, match="f: .*loads.json is a pipe or a device, .* expected a file"):
        read_value(FILE, str(tmp_path / "loads.json"))


def test_assignments_split_at_the_first_equals_sign() -> None:
    assert read_assignments(["a=1", "b=x=y"]) == {"a": "1", "b": "x=y"}
    with pytest.raises(ContractError, match="NAME=VALUE"):
        read_assignments(["a"])


def test_a_program_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_bytes(b"x = '\xff'")
    with pytest.raises(ContractError, match="not UTF-8 text \\(byte 5 is 0xff\\)"):
        read_program(path)
    with pytest.raises(ContractError, match="cannot read the program"):
        read_program(tmp_path / "none.py")
