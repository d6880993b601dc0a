"""Whether a server knows a model by its name, asked before a run pays; a server that cannot tell is believed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from evolve.llm.servers import OPENAI_URL

TIMEOUT_S = 5.0
MOST_BYTES = 4 << 20  # of a list
NOT_FOUND = 404


def listed_models(base_url: str, key: str) -> tuple[str, ...]:
    """The names that the server lists (``GET models``); none where it offers no list that can be read."""
    status, body = _answer(base_url, key, "/models", None)
    if status != 200:
        return ()
    try:
        document = json.loads(body)
    except ValueError:
        return ()
    rows = document.get("data") if isinstance(document, dict) else None
    names = [row.get("id") for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return tuple(name for name in names if isinstance(name, str))


def is_listed(name: str, listed: tuple[str, ...]) -> bool:
    """Whether `name` is one of the list; a list may name models with the tag that is meant where none is said."""
    return name in listed or f"{name}:latest" in listed


def is_refused(base_url: str, key: str, name: str) -> bool:
    """Whether the server knows no model `name`, by a call of one token: some servers answer to any name."""
    body = {"model": name, "messages": [{"role": "user", "content": "1"}], "max_tokens": 1}
    return _answer(base_url, key, "/chat/completions", body)[0] == NOT_FOUND


def _answer(base_url: str, key: str, path: str, body: Mapping[str, object] | None) -> tuple[int, bytes]:
    """Status and content of an answer; status 0 where there was none. Redirections are not followed: keys stay here."""
    parts = urlsplit(base_url or OPENAI_URL)
    opened = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    if body is not None:
        headers["Content-Type"] = "application/json"
    connection = opened(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
    try:
        text = None if body is None else json.dumps(body)
        connection.request("GET" if body is None else "POST", parts.path.rstrip("/") + path, text, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(MOST_BYTES)
    except (OSError, HTTPException):
        return 0, b""
    finally:
        connection.close()
