"""The host of `child_host.py` in this process, for losses that are ours."""

from __future__ import annotations

import time
from collections.abc import Sequence
from importlib import resources
from typing import Any

import numpy as np

from evaluators.adapters.hosting import hosted
from evaluators.candidate import Argument, Reply, ReplyField

HOST = "evaluators.balancing.moe_loss:child_batch.py+child_host.py"


class OwnLoss:
    """`evaluators.candidate.Candidate` over a trusted loss. Never for a program that came from elsewhere."""

    def __init__(self, source: str) -> None:
        self._names: dict[str, Any] = {"__name__": "own_loss"}
        exec(compile(hosted(source, HOST), "own_loss", "exec", dont_inherit=True), self._names)
        self._object: Any = None

    @property
    def host(self) -> Any:
        """The host itself, for callers that have tensors; after `construct`."""
        return self._object

    def construct(self, entry_point: str, *arguments: Argument) -> float:
        """Make the host."""
        self._object = self._names[entry_point](*arguments)
        return 0.0

    def method(self, name: str, arguments: Sequence[Argument], reply: Sequence[ReplyField]) -> Reply:
        """Ask the host, without a sandbox and without its checks of shapes."""
        started_s = time.process_time()
        found = type(self._object).__dict__[name](self._object, *arguments)
        wanted = {field.name: field.dtype for field in reply}
        arrays = {key: np.asarray(value, dtype=wanted[key]) for key, value in found.items()}
        return Reply(arrays=arrays, cpu_s=time.process_time() - started_s)

    def function(self, name: str, arguments: Sequence[Argument], reply: Sequence[ReplyField]) -> Reply:
        """The host has no functions."""
        raise NotImplementedError(f"the host has methods only, asked for {name}{tuple(arguments)} -> {reply}")


def reference_source() -> str:
    """The text of the loss that scores 0."""
    return resources.files(__package__).joinpath("reference_loss.py").read_text(encoding="utf-8")
