"""What runs in the forked child once its sandbox is complete: load the program, then answer until the pipe closes."""

from __future__ import annotations

import os
import sys
import traceback
import types
from collections.abc import Callable, Mapping
from typing import NoReturn

from evaluators.sandbox.frames import (
    FailureClass,
    FrameKind,
    PipeClosedError,
    pack_error,
    pack_frame,
    read_frame,
    write_all,
)
from evaluators.sandbox.values import ReplyError, decode_call, encode_reply

REQUEST_FD = 3
REPLY_FD = 4
PROGRAM_FILE = "<program>"
_MESSAGE_CHARS = 300


class ContractBreach(Exception):  # noqa: N818 - the program's fault, told to its author
    """The program is not what the task asked for; the text says in which way."""


class Program:
    """The loaded program and, once constructed, its object."""

    def __init__(self, source: bytes) -> None:
        self._module = types.ModuleType("program")
        code = _compiled(source)
        sys.modules["program"] = self._module  # dataclasses look their module up there
        exec(code, self._module.__dict__)
        self._object: object = None

    def answer(self, kind: FrameKind, payload: bytes) -> bytes:
        """The reply's payload for one request."""
        call = decode_call(payload)
        if kind is FrameKind.CONSTRUCT:
            self._object = self._entry_point(call.name)(*call.arguments)
            return b""
        target = self._method(call.name) if kind is FrameKind.METHOD else self._entry_point(call.name)
        return encode_reply(target(*call.arguments), call.fields)

    def _entry_point(self, name: str) -> Callable[..., object]:
        return _callable_in(self._module.__dict__, name, "the program")

    def _method(self, name: str) -> Callable[..., object]:
        found = {name: getattr(self._object, name, None)}
        return _callable_in(found, name, f"the object of class {type(self._object).__name__}")


def serve() -> NoReturn:
    """Say hello, load the program, answer every request, exit when the worker closes the pipe."""
    try:
        write_all(REPLY_FD, pack_frame(FrameKind.HELLO, 0, 0))
        program: Program | None = None
        while True:
            header, payload = read_frame(REQUEST_FD)
            try:
                if program is None:
                    program, answer = Program(payload), b""
                else:
                    answer = program.answer(header.kind, payload)
                kind = FrameKind.REPLY
            except BaseException as error:  # noqa: BLE001 - a program may raise anything; each end is reported
                kind, answer = FrameKind.ERROR, _error_payload(error)
            write_all(REPLY_FD, pack_frame(kind, header.sequence, header.nonce, answer))
    except PipeClosedError:
        os._exit(0)
    finally:
        os._exit(1)


def _compiled(source: bytes) -> types.CodeType:
    try:
        return compile(source, PROGRAM_FILE, "exec", dont_inherit=True)
    except SyntaxError as error:
        raise ContractBreach(f"syntax error at line {error.lineno}: {error.msg}") from error
    except (ValueError, MemoryError, RecursionError, OverflowError) as error:
        raise ContractBreach(f"the source cannot be parsed: {type(error).__name__}: {error}") from error


def _callable_in(names: Mapping[str, object], name: str, owner: str) -> Callable[..., object]:
    found = names.get(name)
    if not callable(found):
        raise ContractBreach(f"{owner} must define {name!r}, found {'nothing' if found is None else type(found)}")
    return found


def _error_payload(error: BaseException) -> bytes:
    if isinstance(error, ReplyError | ContractBreach):
        return pack_error(FailureClass.CONTRACT, str(error))
    if isinstance(error, MemoryError):
        place = _place(error)
        traceback.clear_frames(error.__traceback__)  # frees what the program held, so that the answer can be made
        return pack_error(FailureClass.MEMORY, f"MemoryError: {_message(error)}{place}")
    return pack_error(FailureClass.RAISED, f"{type(error).__name__}: {_message(error)}{_place(error)}")


def _message(error: BaseException) -> str:
    try:
        return str(error)[:_MESSAGE_CHARS]
    except BaseException:  # noqa: BLE001 - the program's own __str__ may raise anything
        return "(its message cannot be printed)"


def _place(error: BaseException) -> str:
    """The last line of the program on the way to the error."""
    place, step = "", error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == PROGRAM_FILE:
            place = f" (line {step.tb_lineno}, in {step.tb_frame.f_code.co_name})"
        step = step.tb_next
    return place
