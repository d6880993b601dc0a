"""As much of HTTP/1.1 as a client of a language model needs, over asyncio streams: cheap, and free to misbehave."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass, field

MAX_BODY_BYTES = 16_000_000
_REASONS = {200: "OK", 307: "Temporary Redirect", 400: "Bad Request", 404: "Not Found", 429: "Too Many Requests"}


@dataclass(frozen=True, slots=True)
class Request:
    """One request, read in full."""

    method: str
    path: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What is sent back."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    chunks: AsyncIterator[bytes] | None = None  # instead of `body`: chunked, for as long as it goes on
    break_after: int | None = None  # bytes of the body before the connection is closed


class Hangup(Exception):  # noqa: N818 - what a handler does, not what failed
    """Raised by a handler that closes the connection without a word."""


Handler = Callable[[Request], Coroutine[None, None, Response]]


def json_response(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`value` as a JSON body."""
    return Response(
        status=status, headers={"Content-Type": "application/json", **(headers or {})}, body=json.dumps(value).encode()
    )


async def serve_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler) -> None:
    """Answer requests on one connection until either side closes it."""
    try:
        while (request := await _read(reader)) is not None:
            if not await _send(writer, await _answered(reader, handler(request))):
                break
    except (ConnectionError, asyncio.IncompleteReadError, Hangup):
        pass  # the client went away, or is meant to think so of us
    except asyncio.CancelledError:
        writer.transport.abort()  # nobody may read what is still to be sent
        raise
    finally:
        writer.close()


async def _answered(reader: asyncio.StreamReader, answer: Coroutine[None, None, Response]) -> Response:
    """The response; a client that goes away meanwhile ends the work on it."""
    answering = asyncio.create_task(answer)
    listening = asyncio.create_task(reader.read(1))  # clients that are answered in turn say nothing until then
    try:
        await asyncio.wait({answering, listening}, return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            raise Hangup
        return answering.result()
    finally:
        for task in (answering, listening):
            task.cancel()
        await asyncio.gather(answering, listening, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    length = int(headers.get("content-length", "0"))
    if length > MAX_BODY_BYTES:
        raise Hangup
    return Request(method, path, headers, await reader.readexactly(length))


async def _send(writer: asyncio.StreamWriter, response: Response) -> bool:
    """Whether the connection may be used again."""
    length = {"Transfer-Encoding": "chunked"} if response.chunks else {"Content-Length": str(len(response.body))}
    lines = [f"{name}: {value}" for name, value in {**response.headers, **length}.items()]
    head = f"HTTP/1.1 {response.status} {_REASONS.get(response.status, 'Status')}"
    writer.write("\r\n".join([head, *lines, "", ""]).encode("latin-1"))
    if response.chunks is not None:
        async for chunk in response.chunks:
            writer.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
            await writer.drain()
        writer.write(b"0\r\n\r\n")
    else:
        writer.write(response.body[: response.break_after])
    await writer.drain()
    return response.break_after is None
