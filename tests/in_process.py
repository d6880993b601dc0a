"""A candidate without a sandbox: runs the program in this process. For tests of trusted code only."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evaluators.candidate import Argument, Array, CandidateFailure, Reply, ReplyField
from evaluators.contract import Outcome


class InProcessCandidate:
    """`evaluators.candidate.Candidate` over ``exec``; what the program raises becomes `Outcome.CRASHED`."""

    def __init__(self, source: str, cpu_s: float | None = None) -> None:
        self._names: dict[str, Any] = {"__name__": "candidate"}
        self._object: Any = None
        self._cpu_s = cpu_s  # reported for every call instead of the measured time, where given
        self.calls: list[tuple[str, Sequence[Argument]]] = []
        exec(compile(source, "candidate", "exec", dont_inherit=True), self._names)

    def construct(self, entry_point: str, *arguments: Argument) -> float:
        """Instantiate a class of the program."""
        started = time.process_time()
        self._object = self._run(self._names[entry_point], arguments)
        return time.process_time() - started

    def method(self, name: str, arguments: Sequence[Argument], reply: Sequence[ReplyField]) -> Reply:
        """Call a method of the constructed object."""
        return self._reply(getattr(self._object, name), name, arguments, reply)

    def function(self, name: str, arguments: Sequence[Argument], reply: Sequence[ReplyField]) -> Reply:
        """Call a function of the program."""
        return self._reply(self._names[name], name, arguments, reply)

    def _reply(self, call: Any, name: str, arguments: Sequence[Argument], reply: Sequence[ReplyField]) -> Reply:
        self.calls.append((name, arguments))
        started = time.process_time()
        returned = self._run(call, [_read_only(argument) for argument in arguments])
        spent = time.process_time() - started
        given = returned if isinstance(returned, Mapping) else {reply[0].name: returned}
        arrays = {field.name: _coerced(given, field) for field in reply if given.get(field.name) is not None}
        missing = [field.name for field in reply if field.name not in arrays and not field.optional]
        if missing:
            raise CandidateFailure(Outcome.INVALID, f"the reply lacks {missing[0]}")
        return Reply(arrays=arrays, cpu_s=spent if self._cpu_s is None else self._cpu_s)

    def _run(self, call: Any, arguments: Sequence[Argument]) -> Any:
        try:
            return call(*arguments)
        except Exception as error:
            raise CandidateFailure(Outcome.CRASHED, f"{type(error).__name__}: {error}") from error


def _read_only(argument: Argument) -> Argument:
    if isinstance(argument, np.ndarray):
        view = argument.view()
        view.flags.writeable = False
        return view
    return argument


def _coerced(given: Mapping[str, Any], field: ReplyField) -> Array:
    array: Array = np.array(given[field.name]).astype(field.dtype)
    if array.shape != field.shape:
        raise CandidateFailure(Outcome.INVALID, f"{field.name}: expected shape {field.shape}, found {array.shape}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise CandidateFailure(Outcome.INVALID, f"{field.name}: expected finite numbers")
    return array
