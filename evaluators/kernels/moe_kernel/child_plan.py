"""A program's plan, read and checked for its author: the first part of the text that a sandboxed child loads.

`child_host.py` follows it in one module, so it imports nothing of ours.
"""

import linecache
import math
import sys
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FILE = "<program>"
MOST_LAUNCHES = 8
MOST_SCRATCH_BYTES = 1 << 30
BYTES_OF = {"float32": 4, "float16": 2, "bfloat16": 2, "int32": 4}
LAUNCH_KEYS = frozenset({"kernel", "grid", "args", "constexprs", "num_warps", "num_stages"})


class Breach(Exception):  # noqa: N818 - told to the program's author
    """The program is not what the task asked for."""


@dataclass(frozen=True)
class Shape:
    """What `plan` is told."""

    stage: str
    T: int  # tokens
    D: int  # width
    E: int  # experts
    K: int  # experts per token
    F: int  # expert width
    R: int  # rows, T K
    dtype: str
    interpreted: bool  # in Triton's interpreter, on a CPU


@dataclass(frozen=True)
class Launch:
    """One kernel launch of a plan, its arguments in the kernel's order."""

    kernel: Any
    grid: tuple[int, int, int]
    arguments: tuple[tuple[str, Any], ...]  # those that are not constexpr
    constexprs: Mapping[str, Any]
    num_warps: int
    num_stages: int


def load_program(source: str) -> dict[str, Any]:
    """The names that a program defines, loaded anew."""
    module = types.ModuleType("program")
    try:
        code = compile(source, FILE, "exec", dont_inherit=True)
    except SyntaxError as error:
        raise Breach(f"syntax error at line {error.lineno}: {error.msg}") from None
    linecache.cache[FILE] = (len(source), None, source.splitlines(keepends=True), FILE)  # `triton.jit` reads the source
    sys.modules["program"] = module
    exec(code, module.__dict__)
    return module.__dict__


def called(names: Mapping[str, Any], name: str, shape: Shape) -> Any:
    """What the program's function `name` returns."""
    found = names.get(name)
    if not callable(found):
        raise Breach(f"the program must define the function {name}(shape)")
    return found(shape)


def read_scratch(found: Any, known: Mapping[str, str]) -> dict[str, tuple[tuple[int, ...], str]]:
    """Size and dtype of each buffer that the program asks for; `known` are the stage's."""
    if not isinstance(found, Mapping):
        raise Breach("scratch must return a dict of name: (shape, dtype)")
    checked: dict[str, tuple[tuple[int, ...], str]] = {}
    for name, entry in found.items():
        if not isinstance(name, str) or name in known or not isinstance(entry, Sequence) or len(entry) != 2:
            raise Breach(f"scratch: expected new names with (shape, dtype), found {name!r}: {entry!r}")
        size, dtype = tuple(entry[0]), entry[1]
        if dtype not in BYTES_OF or not all(isinstance(n, int) and n > 0 for n in size):
            raise Breach(f"scratch {name!r}: expected positive sizes and one of {', '.join(BYTES_OF)}, found {entry!r}")
        checked[name] = size, dtype
    if sum(math.prod(size) * BYTES_OF[dtype] for size, dtype in checked.values()) > MOST_SCRATCH_BYTES:
        raise Breach(f"scratch may take {MOST_SCRATCH_BYTES} bytes in all")
    return checked


def read_launch(found: Any, kind: type[Any], buffers: set[str]) -> Launch:
    """One launch of a plan; `kind` is what `triton.jit` makes, `buffers` all that there are."""
    if not isinstance(found, Mapping) or not LAUNCH_KEYS.issuperset(found) or "kernel" not in found:
        raise Breach(f"a launch is a dict with the keys {', '.join(sorted(LAUNCH_KEYS))}, found {found!r:.200}")
    kernel: Any = found["kernel"]
    if not isinstance(kernel, kind):
        raise Breach(f"kernel: expected a function under @triton.jit, found {type(kernel).__name__}")
    arguments, constexprs = dict(found.get("args", {})), dict(found.get("constexprs", {}))
    names, fixed = list(kernel.arg_names), _constexpr_names(kernel)
    if {*arguments, *constexprs} != set(names) or len(arguments) + len(constexprs) != len(names):
        raise Breach(f"the kernel takes {', '.join(names)}; args and constexprs must name each of them once")
    if not fixed <= set(constexprs):
        raise Breach(f"{', '.join(sorted(fixed - set(constexprs)))}: tl.constexpr, so it belongs into constexprs")
    ordered = tuple((name, _argument(name, arguments[name], buffers)) for name in names if name in arguments)
    return Launch(
        kernel=kernel,
        grid=_grid(found.get("grid")),
        arguments=ordered,
        constexprs=constexprs,
        num_warps=_choice(found, "num_warps", 4, (1, 2, 4, 8, 16, 32)),
        num_stages=_choice(found, "num_stages", 3, tuple(range(1, 9))),
    )


def _constexpr_names(kernel: Any) -> set[str]:
    marked = {name for name, hint in kernel.fn.__annotations__.items() if "constexpr" in str(hint)}
    return marked & set(kernel.arg_names)


def _argument(name: str, value: Any, buffers: set[str]) -> tuple[str, Any]:
    if isinstance(value, str):
        if value not in buffers:
            raise Breach(f"{name}: no buffer {value!r}; there are {', '.join(sorted(buffers))}")
        return "buffer", value
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63:
        return ("i32" if -(1 << 31) <= value < 1 << 31 else "i64"), value
    if isinstance(value, float) and math.isfinite(value):
        return "fp32", value
    raise Breach(f"{name}: expected the name of a buffer, an int or a finite float, found {value!r:.100}")


def _grid(found: Any) -> tuple[int, int, int]:
    sizes = (found,) if isinstance(found, int) else tuple(found or ())
    if not 1 <= len(sizes) <= 3 or not all(isinstance(n, int) and 0 < n < 1 << 31 for n in sizes):
        raise Breach(f"grid: expected one to three positive ints, found {found!r:.100}")
    x, y, z = (*sizes, 1, 1)[:3]
    return x, y, z


def _choice(found: Mapping[str, Any], key: str, default: int, allowed: tuple[int, ...]) -> int:
    value = found.get(key, default)
    if value not in allowed:
        raise Breach(f"{key}: expected one of {', '.join(map(str, allowed))}, found {value!r:.100}")
    return int(value)
