"""Programs of equal normal form behave alike: small programs that try what scopes allow, each run and compared."""

from __future__ import annotations

import ast
import inspect
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import is_dataclass
from types import FunctionType, ModuleType

import numpy as np

from evolve.novelty.normal_form import normal_form

NAMES = ("p", "q", "x", "y")  # `x` and `y` are parameters, `p` and `q` module names too
STATEMENTS = (
    "{a} = {b}",
    "{a} = 1",
    "{a} = {b} = 1",
    "{a} += [3]",
    "{a}: list = {b}",
    "{a}: missing",
    "{a}: list",
    "{a}.append(4)",
    "{a}[0] += 1",
    "({a} := {b})",
    "del {a}",
    "global {a}",
    "return {a}",
    "return {a}, {b}",
    "return [{a} for {a} in {b}]",
    "return [{a} for {b} in {b}]",
    "return [({a} := {c}) for {b} in {b}], {a}",
    "return lambda {a}={b}: {a}",
    "return lambda: {a}",
    "return locals()",
    "return [sorted(locals()) for {a} in {b}]",
    "return eval('{a}')",
    "yield {a}",
    "raise ValueError",
    "'a text'",
    "pass",
    "assert {a}, {b}",
    "import math as {a}",
    "if {a}:\n    {b} = 1",
    "if {a}:\n    return {b}\n    {c} = 1",
    "if {a}:\n    raise KeyError\n    yield",
    "for {a} in {b}:\n    continue\n    {c} = 1",
    "for {a} in {b}:\n    break\n    import math as {c}",
    "while {a}:\n    {a} = 0",
    "try:\n    {a}\nexcept NameError as {b}:\n    {c} = 2",
    "try:\n    {a}.none\nexcept:\n    pass",
    "try:\n    {a}.none\nexcept None:\n    pass",
    "match {a}:\n    case [{b}]:\n        {c} = {b}",
    "def {a}():\n    return {b}",
    "def {a}({b}={c}):\n    return {b}",
    "def {a}({b}: int) -> float:\n    return {b}",
    "def {a}({b}: {c}.missing = 1):\n    return {b}",
    "def {a}({b}: missing = 1):\n    return {b}",
    "def {a}(*, {b}):\n    return {b}",
    "def {a}(*, {b}=None):\n    return {b}",
    "def {a}():\n    {b} = {c}\n    return {b}",
    "def {a}():\n    return {b}\n    {b} = 1",
    "def {a}():\n    {b}: int\n    return {b}",
    "def {a}():\n    global {b}\n    return {b}",
    "def {a}():\n    nonlocal {b}\n    {b} = 5\n    return {b}",
    "def {a}():\n    import math as {b}\n    return {b}",
    "def {a}():\n    def {b}():\n        return {c}\n    return {b}",
    "def {a}():\n    class {b}:\n        {c} = {d}\n    return {b}",
    "@{a}\ndef {b}():\n    {a} = 1\n    return {a}",
    "class {a}:\n    {b} = {c}",
    "class {a}:\n    {b}: int\n    {c}: int = 2",
    "class {a}:\n    ({b}): int = 2",
    "class {a}:\n    def {b}(self):\n        {c} = {d}\n        return {c}",
    "@dataclass\nclass {a}:\n    {b}: int\n    {c}: int = 2",
    "@{a}\nclass {b}:\n    {c} = 1",
    "return {{**{a}}}",
    "return {{None: {a}}}",
    "{a} = 1e999",
    "return f'{{{a}}}'",
    "return inf",
    "return 1e999",
)
MODULE_STATEMENTS = ("", "", "{a}: missing = Box([5])", "{a}: list = Box([5])", "{a}: missing", "{a}: int", "del {a}")
NUM_PROGRAMS = 6000


class Box(list[object]):
    """An argument that can be changed, called, and used as a decorator."""

    def __call__(self, value: object = 0) -> object:
        return Box([*self, callable(value)])


def test_programs_of_equal_form_behave_alike() -> None:
    by_form: dict[str, set[str]] = defaultdict(set)
    for source in some_programs(np.random.default_rng(0)):
        by_form[normal_form(ast.parse(source))].add(source)
    shared = [sources for sources in by_form.values() if len(sources) > 1]
    assert len(shared) > 200  # or little was tested
    for sources in shared:
        behaviours = {behaviour_of(source): source for source in sorted(sources)}
        assert len(behaviours) == 1, "\n---\n".join(behaviours.values())


def some_programs(rng: np.random.Generator) -> Iterator[str]:
    for _ in range(NUM_PROGRAMS):
        chosen = [str(rng.choice(STATEMENTS)) for _ in range(rng.integers(1, 5))]
        lines = [line for text in chosen for line in filled(text, rng).splitlines()]
        body = "".join(f"    {line}\n" for line in lines)
        source = (
            f"{filled(str(rng.choice(MODULE_STATEMENTS)), rng)}\ndef f(x, y):\n{body}    return {rng.choice(NAMES)}\n"
        )
        try:
            compile(source, "<program>", "exec", dont_inherit=True)
        except SyntaxError:
            continue  # such as `global` behind a use
        yield source


def filled(text: str, rng: np.random.Generator) -> str:
    return text.format(**{letter: rng.choice(NAMES) for letter in "abcd"})


def behaviour_of(source: str) -> str:
    """What `f` returns or raises, and what became of its arguments and of the module's names."""
    module: dict[str, object] = {"__name__": "m", "Box": Box, "p": Box([10]), "q": Box([20]), "inf": 3}
    arguments = Box([1]), Box([2])
    try:
        exec("from dataclasses import dataclass\n" + source, module)
        made = module["f"]
        assert isinstance(made, FunctionType)
        found = described(made(*arguments))
    except Exception as error:  # noqa: BLE001 - whatever a program does is its behaviour
        found = type(error).__name__
    return " ".join([found, *map(described, [*arguments, module.get("p"), module.get("q")])])


def described(value: object, depth: int = 0) -> str:
    """A value in words that say nothing of addresses and of the names of functions."""
    if depth > 3:
        return "deep"
    match value:
        case ModuleType():
            return value.__name__
        case FunctionType():
            return f"function that gives {result_of(value, depth)}"
        case type():
            fields = {name: item for name, item in vars(value).items() if not name.startswith("_")}
            marks = list(inspect.get_annotations(value)) if is_dataclass(value) else []
            return f"class {described(fields, depth + 1)} {marks}"
        case dict():
            return str({repr(key): described(item, depth + 1) for key, item in value.items()})
        case list() | tuple():
            return f"{type(value).__name__} {[described(item, depth + 1) for item in value]}"
        case int() | float() | str() | None:
            return repr(value)
        case _:
            return type(value).__name__


def result_of(function: FunctionType, depth: int) -> str:
    try:
        return described(function(), depth + 1)
    except Exception as error:  # noqa: BLE001 - as above
        return type(error).__name__
