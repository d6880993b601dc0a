"""The controller's side of the parser: one child process, replaced when a text breaks it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from evaluators import protocol
from evaluators.contract import ContractError
from evolve.errors import BackendError
from evolve.parsing.child import Ready, Text
from evolve.parsing.verdict import Verdict

MAX_SOURCE_BYTES = 256 << 10
TEXTS_PER_CHILD = 1000  # then a new one takes over, so that nothing a text leaves behind lasts
_MAX_ANSWER_BYTES = 4 << 20
_START_TIMEOUT_S = 60.0
_END_S = 2.0
_ROOT = str(Path(__file__).resolve().parents[2])
_BOOTSTRAP = (
    "import sys; root = sys.argv.pop(); sys.path.insert(0, root); import evolve.parsing.child as child; "
    "sys.path.remove(root); child.main()"
)
_COMMAND = (sys.executable, "-I", "-S", "-B", "-W", "ignore", "-c", _BOOTSTRAP)
_PASSED_ON = ("LD_LIBRARY_PATH",)  # where the interpreter's own libraries lie, on machines with environment modules
T = TypeVar("T")


class _ChildLost(Exception):
    """The child died, hung or spoke nonsense; it is dead now, and `Parser` answers with a new one."""


class _Child:
    def __init__(self, process: Process) -> None:
        self._process = process
        self.layers: tuple[str, ...] = ()
        self.num_texts = 0

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.returncode is None

    @classmethod
    async def start(cls, disabled: Sequence[str]) -> _Child:
        environment = {"LC_ALL": "C.UTF-8"} | {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        process = await asyncio.create_subprocess_exec(
            *(*_COMMAND, str(os.getpid()), json.dumps(list(disabled)), _ROOT),
            env=environment,
            cwd="/",
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            start_new_session=True,
        )
        child = cls(process)
        try:
            child.layers = (await child._exchange(b"", Ready, _START_TIMEOUT_S)).layers
        except _ChildLost as loss:
            raise BackendError(f"the process that parses programs does not start: {loss}") from loss
        return child

    async def examine(self, source: str, cpu_s: float, deadline_s: float) -> Verdict:
        self.num_texts += 1
        return await self._exchange(protocol.encode(Text(source=source, cpu_s=cpu_s)), Verdict, deadline_s)

    async def bury(self) -> None:
        """Wait for a process that closed its pipe; kill it if it lives on.

        Not killed at once: that would take the news of its end from the event loop, which then complains.
        """
        try:
            async with asyncio.timeout(_END_S):
                await self._process.wait()
        except TimeoutError:
            return
        finally:
            await self.kill()

    async def kill(self) -> None:
        if self.is_alive:
            self._process.kill()
        await self._process.wait()

    async def _exchange(self, request: bytes, kind: type[T], deadline_s: float) -> T:
        """Send and receive once; a child that fails to answer is dead afterwards."""
        try:
            async with asyncio.timeout(deadline_s):
                return await self._send_and_receive(request, kind)
        except TimeoutError as error:
            await self.kill()
            raise _ChildLost(f"no answer within {deadline_s:g} s") from error
        except (asyncio.IncompleteReadError, OSError) as error:
            await self.bury()
            raise _ChildLost("its process ended, by a limit of time or memory") from error
        except ContractError as error:
            await self.kill()
            raise _ChildLost(f"its answer makes no sense: {error}") from error
        except asyncio.CancelledError:
            await self.kill()
            raise

    async def _send_and_receive(self, request: bytes, kind: type[T]) -> T:
        if self._process.stdin is None or self._process.stdout is None:
            raise _ChildLost("it has no pipes")
        self._process.stdin.write(request)
        await self._process.stdin.drain()
        (length,) = protocol.PREFIX.unpack(await self._process.stdout.readexactly(protocol.PREFIX.size))
        if length > _MAX_ANSWER_BYTES:
            raise ContractError(f"it has {length} bytes")
        return protocol.decode(kind, await self._process.stdout.readexactly(length))


class Parser:
    """Says what programs define and whether they parse; an async context manager.

    The kernel kills the child when the THREAD that runs the event loop ends.
    """

    def __init__(self, *, cpu_s: float = 10.0, deadline_s: float = 60.0, disabled: Sequence[str] = ()) -> None:
        """A text may take `cpu_s` of CPU time, or `deadline_s` in all; `disabled` names layers to leave out."""
        self._cpu_s = cpu_s
        self._deadline_s = deadline_s
        self._disabled = disabled
        self._child: _Child | None = None
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Start the child.

        Raises:
            BackendError: It does not start.
        """
        self._child = await _Child.start(self._disabled)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._drop()

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers of the sandbox that are on; empty while there is no child."""
        return self._child.layers if self._child else ()

    @property
    def num_texts(self) -> int:
        """Texts that the present child was given."""
        return self._child.num_texts if self._child else 0

    @property
    def pid(self) -> int | None:
        """The child's process number."""
        return self._child.pid if self._child else None

    async def parse(self, source: str) -> Verdict:
        """The verdict on `source`, one text at a time. A text that breaks the parser is rejected, not an error.

        A child that dies of a text after it has served others is not the judge of it: a new one is asked as well, so
        that a verdict does not depend on what was parsed before.

        Raises:
            BackendError: A new child is needed and does not start.
        """
        size = len(source.encode("utf-8", "surrogatepass"))
        if size > MAX_SOURCE_BYTES:
            return Verdict(error=f"the program has {size} bytes; at most {MAX_SOURCE_BYTES} are allowed")
        async with self._turn:
            child = await self._ready_child()
            was_used = child.num_texts > 0
            try:
                return await child.examine(source, self._cpu_s, self._deadline_s)
            except _ChildLost as loss:
                return await self._second_opinion(source) if was_used else _gave_up(loss)

    async def _second_opinion(self, source: str) -> Verdict:
        child = await self._ready_child()
        try:
            return await child.examine(source, self._cpu_s, self._deadline_s)
        except _ChildLost as loss:
            return _gave_up(loss)

    async def _ready_child(self) -> _Child:
        if self._child is None or not self._child.is_alive or self._child.num_texts >= TEXTS_PER_CHILD:
            await self._drop()
            self._child = await _Child.start(self._disabled)
        return self._child

    async def _drop(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            await child.kill()


def _gave_up(loss: _ChildLost) -> Verdict:
    return Verdict(error=f"the parser gave up: {loss}")
