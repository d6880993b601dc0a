"""The parser's process: it loads what it needs, confines itself for good, then answers until its pipe closes."""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from dataclasses import dataclass

from evaluators import protocol
from evaluators.contract import ContractError
from evaluators.sandbox import layers
from evaluators.sandbox.frames import PipeClosedError, read_up_to, write_all
from evolve.parsing.examine import examine

REQUESTS, ANSWERS = 3, 4  # where `Layers.put_on` leaves them
MEMORY_BYTES = 512 << 20  # beyond what the process maps when it starts
_WHOLE_CPU_S = 3600  # over its life; a single text has a limit of its own
_PRELOADED = ("unicodedata", "encodings.ascii", "encodings.latin_1", "encodings.utf_8_sig")
_WARM_UP = "x = '\\N{BULLET}'\n\n\ndef f(a, b=1):\n    return [a for a in b if a]\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The first message: the layers that are on."""

    layers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A request."""

    source: str
    cpu_s: float  # the process is killed if the text takes more


def main() -> None:
    """Serve; arguments are the parent's process number and the names of disabled layers as JSON."""
    parent, disabled = int(sys.argv[1]), json.loads(sys.argv[2])
    layers.die_with_parent(parent)
    for name in _PRELOADED:  # no file can be read later
        importlib.import_module(name)
    examine(_WARM_UP)
    prepared = layers.prepare([], disabled)
    prepared.put_on(parent, MEMORY_BYTES, _WHOLE_CPU_S, (0, 1, 2))
    try:
        write_all(ANSWERS, protocol.encode(Ready(layers=prepared.names)))
        while True:
            _answer_one()
    except (PipeClosedError, ContractError):
        os._exit(0)


def _answer_one() -> None:
    prefix = read_up_to(REQUESTS, b"", protocol.PREFIX.size)
    text = protocol.decode(Text, read_up_to(REQUESTS, b"", protocol.body_length(prefix)))
    signal.setitimer(
        signal.ITIMER_PROF, text.cpu_s
    )  # its signal is not handled: C code cannot be interrupted otherwise
    verdict = examine(text.source)
    signal.setitimer(signal.ITIMER_PROF, 0)
    write_all(ANSWERS, protocol.encode(verdict))
