"""Any server that speaks OpenAI's protocols, through the `openai` package. Import it only where models are opened.

One try is one HTTP request: the package's own retries are off, so that every request becomes a row of the archive.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Literal, TypeVar, cast

import httpx2
import openai
from openai import AsyncOpenAI, omit
from openai.types.chat import ChatCompletionMessageParam
from openai.types.responses import ResponseInputItemParam
from openai.types.shared_params import Reasoning

from evolve.llm.answers import (
    AnswerError,
    estimated_tokens,
    one_line,
    read_chat,
    read_embedding,
    read_problem,
    read_response,
)
from evolve.llm.dialect import OPENAI_LIMITS, Dialect, parameter_at_fault
from evolve.llm.model import Api, Completion, Finish, Message, ModelCall, ModelFailure, ModelSpec
from evolve.llm.retrying import retry_after_s

MAX_BODY_BYTES = 8_000_000
CONNECT_TIMEOUT_S = 15.0
OPENAI_URL = "https://api.openai.com/v1"
NO_KEY = "EMPTY"  # what servers without keys are sent; vLLM's convention
_SHORTEST_SECRET = 8  # characters; a shorter "key" is a placeholder, and would blot out words of replies

T = TypeVar("T")
Effort = Literal["minimal", "low", "medium", "high"]  # the package's list of names; the server decides


class BodyError(Exception):
    """A body that is not read: too long, or compressed."""

    def __init__(self, finish: Finish, message: str) -> None:
        super().__init__(message)
        self.finish = finish


class OpenAICompatibleModel:
    """One model behind Chat Completions or Responses.

    Tokens that the server does not count are estimated: see `evolve.llm.answers.estimated_tokens`.
    """

    def __init__(
        self, spec: ModelSpec, key: str, *, use_proxies: bool = True, unix_time: Callable[[], float] = time.time
    ) -> None:
        """`unix_time` is what dates in ``Retry-After`` are compared with."""
        self._spec = spec
        self._secret = key if len(key) >= _SHORTEST_SECRET else ""
        self._unix_time = unix_time
        base_url = spec.base_url or OPENAI_URL
        self._is_openai = httpx2.URL(base_url).host == "api.openai.com"
        self._dialect = Dialect(OPENAI_LIMITS) if self._is_openai else Dialect()
        self._client = AsyncOpenAI(
            api_key=key or NO_KEY,
            base_url=base_url,
            max_retries=0,
            http_client=openai.DefaultAsyncHttpxClient(
                timeout=httpx2.Timeout(spec.try_timeout_s, connect=min(CONNECT_TIMEOUT_S, spec.try_timeout_s)),
                limits=httpx2.Limits(max_connections=None, max_keepalive_connections=spec.concurrency),
                follow_redirects=False,  # a prompt goes where the user sent it
                trust_env=use_proxies,
                headers={"Accept-Encoding": "identity"},
                event_hooks={"request": [self._keep_account_private], "response": [_bound_body]},
            ),
        )

    def __repr__(self) -> str:
        return f"OpenAICompatibleModel({self._spec.name!r} at {self._spec.base_url or OPENAI_URL!r})"

    @property
    def spec(self) -> ModelSpec:
        """What it was made from."""
        return self._spec

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def complete(self, call: ModelCall) -> Completion:
        """One try; `spec.try_timeout_s` bounds it whole: connecting, headers and every byte of the body.

        Raises:
            ModelFailure: There is no answer.
        """
        dialect = self._dialect
        start_s = time.monotonic()
        return await self._tried(
            self._answer(call, dialect),
            dialect,
            lambda body: self._completion(call, body, time.monotonic() - start_s),
        )

    async def embed(self, text: str) -> tuple[float, ...]:
        """The embedding of `text`: one try, bounded like the others.

        Raises:
            ModelFailure: There is no answer.
        """
        return await self._tried(self._embedding(text), self._dialect, read_embedding)

    async def _tried(self, answering: Awaitable[bytes], dialect: Dialect, read: Callable[[bytes], T]) -> T:
        """What `read` makes of the body.

        Raises:
            ModelFailure: There is none, or `read` cannot use it.
        """
        start_s = time.monotonic()
        failure: ModelFailure
        try:
            async with asyncio.timeout(self._spec.try_timeout_s):
                body = await answering
            return read(body)
        except openai.APIStatusError as error:
            failure = self._refusal(error, dialect, time.monotonic() - start_s)
        except (openai.OpenAIError, httpx2.HTTPError, BodyError, AnswerError, TimeoutError) as error:
            failure = self._failure(error, time.monotonic() - start_s)
        raise failure  # out here, so that no request with its headers hangs on the exception

    async def _embedding(self, text: str) -> bytes:
        response = await self._client.embeddings.with_raw_response.create(
            model=self._spec.name, input=_storable(text), encoding_format="float"
        )
        return response.content

    async def _answer(self, call: ModelCall, dialect: Dialect) -> bytes:
        if self._spec.api is Api.RESPONSES:
            return await self._respond(call, dialect)
        return await self._chat(call, dialect)

    async def _chat(self, call: ModelCall, dialect: Dialect) -> bytes:
        spec = self._spec
        temperature = call.temperature if dialect.takes("temperature") else None
        effort = spec.reasoning_effort if dialect.takes("reasoning_effort") else ""
        response = await self._client.chat.completions.with_raw_response.create(
            model=spec.name,
            messages=[cast(ChatCompletionMessageParam, _as_sent(message)) for message in call.messages],
            temperature=omit if temperature is None else temperature,
            max_tokens=spec.max_tokens if dialect.limit == "max_tokens" else omit,
            max_completion_tokens=spec.max_tokens if dialect.limit == "max_completion_tokens" else omit,
            reasoning_effort=cast(Effort, effort) if effort else omit,
        )
        return response.content

    async def _respond(self, call: ModelCall, dialect: Dialect) -> bytes:
        spec = self._spec
        temperature = call.temperature if dialect.takes("temperature") else None
        effort = spec.reasoning_effort if dialect.takes("reasoning") else ""
        response = await self._client.responses.with_raw_response.create(
            model=spec.name,
            input=[cast(ResponseInputItemParam, _as_sent(message)) for message in call.messages],
            temperature=omit if temperature is None else temperature,
            max_output_tokens=spec.max_tokens,
            reasoning=Reasoning(effort=cast(Effort, effort)) if effort else omit,
            store=False if dialect.takes("store") else omit,  # nothing is kept on the server
        )
        return response.content

    def _completion(self, call: ModelCall, body: bytes, latency_s: float) -> Completion:
        answer = read_response(body) if self._spec.api is Api.RESPONSES else read_chat(body)
        prompt_tokens, reply_tokens = answer.prompt_tokens, answer.reply_tokens
        if prompt_tokens is None:
            prompt_tokens = sum(estimated_tokens(message.text) for message in call.messages)
        return Completion(
            text=self._without_secret(answer.text),
            finish=answer.finish,
            prompt_tokens=prompt_tokens,
            reply_tokens=estimated_tokens(answer.text) if reply_tokens is None else reply_tokens,
            latency_s=latency_s,
        )

    def _refusal(self, error: openai.APIStatusError, dialect: Dialect, latency_s: float) -> ModelFailure:
        """The failure behind a status of 300 or more."""
        status = error.status_code
        problem = read_problem(error.response.content)
        finish, permanent = _meaning(status, problem.code)
        if status in (400, 422) and (parameter := parameter_at_fault(dialect, problem)):
            finish = Finish.ADAPTED
            self._dialect = self._dialect.without(parameter)  # which another call in flight may have changed already
        message = problem.message or (
            "it redirects elsewhere; give its final base_url" if status < 400 else "no reason"
        )
        return ModelFailure(
            finish,
            self._without_secret(f"HTTP {status}: {message}"),
            latency_s=latency_s,
            retry_after_s=retry_after_s(error.response.headers, self._unix_time()),
            permanent=permanent,
        )

    def _failure(self, error: Exception, latency_s: float) -> ModelFailure:
        """The failure behind an exception without a status."""
        cause = error.__cause__ or error
        detail = self._without_secret(one_line(str(cause)) or type(cause).__name__)
        if isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout):
            return ModelFailure(Finish.UNREACHABLE, detail, latency_s=latency_s)
        if isinstance(error, TimeoutError | openai.APITimeoutError):
            waited_s = self._spec.try_timeout_s if isinstance(error, TimeoutError) else latency_s
            detail = f"no answer in {waited_s:.3g} s"
            return ModelFailure(Finish.TIMEOUT, detail, latency_s=latency_s, perhaps_paid=True)
        if isinstance(cause, AnswerError):
            return ModelFailure(Finish.SERVER_ERROR, detail, latency_s=latency_s)
        finish = cause.finish if isinstance(cause, BodyError) else Finish.CONNECTION
        return ModelFailure(finish, detail, latency_s=latency_s, perhaps_paid=True)

    def _without_secret(self, text: str) -> str:
        """`text` without the key, which some servers repeat when they refuse it."""
        return text.replace(self._secret, "***") if self._secret else text

    async def _keep_account_private(self, request: httpx2.Request) -> None:
        """The package adds the OpenAI account from the environment to every request; other servers need not know it."""
        if not self._is_openai:
            for name in ("OpenAI-Organization", "OpenAI-Project"):
                request.headers.pop(name, None)


class _BoundedBody(httpx2.AsyncByteStream):
    """A body that ends in an error after `MAX_BODY_BYTES`."""

    def __init__(self, body: httpx2.AsyncByteStream) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        num_bytes = 0
        async for chunk in self._body:
            num_bytes += len(chunk)
            if num_bytes > MAX_BODY_BYTES:
                raise _oversized()
            yield chunk

    async def aclose(self) -> None:
        await self._body.aclose()


async def _bound_body(response: httpx2.Response) -> None:
    """Refuse a body that says it is too long or is compressed (a small one could unfold without end)."""
    encoding = response.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        message = f"the server compresses its answer ({one_line(encoding, 20)}) though asked not to"
        raise BodyError(Finish.SERVER_ERROR, message)
    length = response.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > MAX_BODY_BYTES:
        raise _oversized()
    response.stream = _BoundedBody(cast(httpx2.AsyncByteStream, response.stream))


def _oversized() -> BodyError:
    return BodyError(Finish.OVERSIZED, f"the answer is longer than {MAX_BODY_BYTES / 1e6:g} MB")


def _as_sent(message: Message) -> dict[str, str]:
    return {"role": message.role, "content": _storable(message.text)}


def _storable(text: str) -> str:
    """`text` as UTF-8 can hold it."""
    return text.encode("utf-8", "replace").decode()


def _meaning(status: int, code: str) -> tuple[Finish, bool]:
    """How an HTTP status ends a try, and whether no other prompt would fare better."""
    if code == "content_filter":  # Azure refuses prompts this way
        return Finish.CONTENT_FILTER, False
    if code in ("insufficient_quota", "billing_hard_limit_reached"):  # a 429 that does not pass
        return Finish.REFUSED, True
    if status == 429:
        return Finish.RATE_LIMITED, False
    if status == 408:
        return Finish.TIMEOUT, False
    if status >= 500 or status in (409, 425):
        return Finish.SERVER_ERROR, False
    return Finish.REFUSED, status in (401, 402, 403, 404) or status < 400
