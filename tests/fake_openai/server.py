"""The stand-in server in a thread of its own: routes, counters, latency and faults."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
import time
import zlib
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.fake_openai.answering import answer
from tests.fake_openai.faults import Fault, FaultPlan
from tests.fake_openai.wire import Hangup, Request, Response, json_response, serve_connection

Json = Any  # what `json.loads` returns: tests look into it
OVERSIZED_BYTES = 10_000_000
EMBEDDING_DIM = 64
KEPT_REQUESTS = 1000  # the newest, for tests to look at


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeModel:
    """One model of the stand-in."""

    name: str
    quality: float = 1.0  # probability of a real genetic edit
    latency_s: float = 0.0
    faults: FaultPlan = field(default_factory=FaultPlan)
    refuses: tuple[str, ...] = ()  # parameters that are answered with a 400
    text: str | None = None  # said in place of genetic edits
    retry_after: str = "0"  # with a 429 or 503; seconds or an HTTP date


class FakeOpenAI:
    """What the server has seen; read it from any thread. Start one with `fake_openai`."""

    def __init__(self, models: Sequence[FakeModel], seed: int = 0) -> None:
        self.models = {model.name: model for model in models}
        self.port = 0
        self.num_requests = 0  # of models; statistics and lists are not counted
        self.num_replies = 0  # answered in full with status 200
        self.requests_by_model: Counter[str] = Counter()
        self.in_flight = 0
        self.most_in_flight = 0
        self.cpu_s = 0.0  # of the server's thread
        self.requests: deque[Json] = deque(maxlen=KEPT_REQUESTS)
        self.headers: deque[dict[str, str]] = deque(maxlen=KEPT_REQUESTS)
        self._seed = seed
        self._repeats: Counter[int] = Counter()

    @property
    def url(self) -> str:
        """The base URL, as ``--model NAME@URL`` takes it."""
        return f"http://127.0.0.1:{self.port}/v1"

    async def handle(self, request: Request) -> Response:
        """The answer to one request."""
        if request.method == "GET":
            return self._about(request.path)
        body: Json = json.loads(request.body)
        name = str(body.get("model"))
        self.num_requests += 1
        index = self.requests_by_model[name]
        self.requests_by_model[name] += 1
        self.requests.append(body)
        self.headers.append(dict(request.headers))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            response = await self._answered(request, body, self.models.get(name), index)
        finally:
            self.in_flight -= 1
            self.cpu_s = time.thread_time()
        self.num_replies += response.status == 200 and response.break_after is None
        return response

    async def _answered(self, request: Request, body: Json, model: FakeModel | None, index: int) -> Response:
        if model is None:
            return _error(404, f"The model `{body.get('model')}` does not exist", "model_not_found")
        await asyncio.sleep(model.latency_s)
        for name in model.refuses:
            if name in body:
                return _error(400, f"Unsupported parameter: '{name}' is not supported", "unsupported_parameter", name)
        fault = model.faults.fault_of(index)
        if fault is not None and (failed := await _failed(fault, model, request)) is not None:
            return failed
        if request.path == "/v1/embeddings":
            return json_response(_embeddings(body))
        chat = request.path == "/v1/chat/completions"
        return _reply(body, chat, self._text(body, chat, model, fault), fault)

    def _text(self, body: Json, chat: bool, model: FakeModel, fault: Fault | None) -> str:
        if fault in (Fault.EMPTY, Fault.CONTENT_FILTER):
            return ""
        if fault is Fault.RUBBISH_TEXT:
            return "Certainly! \x00 ``` <<<<<<< SEARCH def def ) ======="
        prompt = _prompt(body["messages"] if chat else body["input"])
        digest = zlib.crc32(prompt.encode("utf-8", "replace"))
        repeat = self._repeats[digest]
        self._repeats[digest] += 1
        text = model.text if model.text is not None else answer(prompt, model.quality, self._seed, repeat)
        return text[: len(text) // 2] if fault is Fault.TRUNCATED else text

    def _about(self, path: str) -> Response:
        if path == "/v1/models":
            names = [{"id": name, "object": "model", "owned_by": "tests"} for name in self.models]
            return json_response({"object": "list", "data": names})
        if path == "/stats":
            numbers = {"requests": self.num_requests, "replies": self.num_replies, "in_flight": self.in_flight}
            return json_response(
                {
                    **numbers,
                    "most_in_flight": self.most_in_flight,
                    "by_model": self.requests_by_model,
                    "cpu_s": self.cpu_s,
                }
            )
        return _error(404, f"there is no {path} here", "not_found")


@contextmanager
def fake_openai(*models: FakeModel, seed: int = 0, port: int = 0) -> Iterator[FakeOpenAI]:
    """A server on loopback, in a thread, until the block ends; `port` 0 is any free one."""
    server = FakeOpenAI(models, seed)
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    ready = threading.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(serve(server, port, stop, ready)), daemon=True)
    thread.start()
    try:
        if not ready.wait(10):
            raise RuntimeError(f"the stand-in server did not open port {port} within 10 s")
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


async def serve(server: FakeOpenAI, port: int, stop: asyncio.Event, ready: threading.Event | None = None) -> None:
    """Serve until `stop` is set; calls that hang are cut off then."""
    connections: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(serve_connection(reader, writer, server.handle))
        connections.add(task)
        task.add_done_callback(connections.discard)

    listener = await asyncio.start_server(connected, "127.0.0.1", port)
    server.port = listener.sockets[0].getsockname()[1]
    if ready is not None:
        ready.set()
    await stop.wait()
    listener.close()
    for task in list(connections):
        task.cancel()
    await asyncio.gather(*connections, return_exceptions=True)
    await asyncio.sleep(0)  # one turn for the transports to close


async def _failed(fault: Fault, model: FakeModel, request: Request) -> Response | None:
    """The response of a `fault` that is not about the reply's content; None for the others."""
    after = {"Retry-After": model.retry_after}
    match fault:
        case Fault.RATE_LIMITED:
            return _error(429, "Rate limit reached", "rate_limit_exceeded", headers=after)
        case Fault.OUT_OF_QUOTA:
            return _error(429, "You exceeded your current quota", "insufficient_quota")
        case Fault.SERVER_ERROR:
            return _error(500, "The server had an error", "server_error")
        case Fault.UNAVAILABLE:
            return _error(503, "The engine is overloaded", "overloaded", headers=after)
        case Fault.UNAUTHORISED:
            key = request.headers.get("authorization", "")
            return _error(401, f"Incorrect API key provided: {key}", "invalid_api_key")
        case Fault.NOT_FOUND:
            return _error(404, f"The model `{model.name}` does not exist", "model_not_found")
        case Fault.REDIRECT:
            return Response(status=307, headers={"Location": "http://127.0.0.1:9/v1"})
        case Fault.RUBBISH_JSON:
            return Response(headers={"Content-Type": "application/json"}, body=b'{"choices": [{"message": <!doctype>')
        case Fault.DROPPED:
            return Response(body=b'{"choices": [' + b" " * 10_000, break_after=1000)
    return await _endless(fault)


async def _endless(fault: Fault) -> Response | None:
    """The response of a `fault` of time or size; None for others."""
    match fault:
        case Fault.HANG:
            await asyncio.Event().wait()
            raise Hangup
        case Fault.TRICKLE:
            return Response(chunks=_spaces(1, 0.02))
        case Fault.ENDLESS:
            return Response(chunks=_spaces(65_536, 0.0))
        case Fault.OVERSIZED:
            return Response(body=b" " * OVERSIZED_BYTES)
        case Fault.COMPRESSED:
            return Response(headers={"Content-Encoding": "gzip"}, body=gzip.compress(b" " * 1000))
    return None


async def _spaces(num_bytes: int, pause_s: float) -> AsyncIterator[bytes]:
    while True:
        yield b" " * num_bytes
        await asyncio.sleep(pause_s)


def _reply(body: Json, chat: bool, text: str, fault: Fault | None) -> Response:
    """A reply in the protocol that was spoken."""
    prompt_tokens = len(json.dumps(body)) // 4
    reply_tokens = max(len(text) // 4, 1)
    counted = fault is not Fault.NO_USAGE
    if chat:
        reasons = {Fault.TRUNCATED: "length", Fault.CONTENT_FILTER: "content_filter"}
        reason = "stop" if fault is None else reasons.get(fault, "stop")
        if body.get("stream"):
            return Response(headers={"Content-Type": "text/event-stream"}, chunks=_events(text, reason))
        usage = {"prompt_tokens": prompt_tokens, "completion_tokens": reply_tokens}
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": reason}
        reply = {"id": "chatcmpl-0", "object": "chat.completion", "model": body["model"], "choices": [choice]}
    else:
        cuts = {Fault.TRUNCATED: "max_output_tokens", Fault.CONTENT_FILTER: "content_filter"}
        usage = {"input_tokens": prompt_tokens, "output_tokens": reply_tokens}
        message = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}
        reply = {"id": "resp_0", "object": "response", "model": body["model"], "output": [message]}
        cut = cuts.get(fault) if fault is not None else None
        reply |= {"status": "incomplete", "incomplete_details": {"reason": cut}} if cut else {"status": "completed"}
    return json_response({**reply, "usage": usage} if counted else reply)


async def _events(text: str, reason: str) -> AsyncIterator[bytes]:
    """The reply as server-sent events, in pieces of 200 characters."""
    deltas = [{"content": text[i : i + 200]} for i in range(0, len(text), 200)]
    for delta, finish in [*((delta, None) for delta in deltas), ({}, reason)]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        yield f"data: {json.dumps({'object': 'chat.completion.chunk', 'choices': [choice]})}\n\n".encode()
    yield b"data: [DONE]\n\n"


def _prompt(messages: Json) -> str:
    return messages if isinstance(messages, str) else "\n\n".join(str(message["content"]) for message in messages)


def _embeddings(body: Json) -> Json:
    """Counts of hashed words, one vector per text: alike texts are near each other."""
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    vectors = []
    for i, text in enumerate(texts):
        counts = Counter(zlib.crc32(word.encode()) % EMBEDDING_DIM for word in text.split())
        vectors.append(
            {"object": "embedding", "index": i, "embedding": [float(counts[k]) for k in range(EMBEDDING_DIM)]}
        )
    num_tokens = sum(len(text) for text in texts) // 4
    return {"object": "list", "data": vectors, "model": body["model"], "usage": {"prompt_tokens": num_tokens}}


def _error(
    status: int, message: str, code: str, parameter: str | None = None, headers: dict[str, str] | None = None
) -> Response:
    error = {"message": message, "type": "error", "code": code, "param": parameter}
    return json_response({"error": error}, status, headers)
