"""What a server says of the models it has."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from evolve.llm.listing import is_listed, is_refused, listed_models
from tests.fake_openai.server import FakeModel, fake_openai


class AnyName(http.server.BaseHTTPRequestHandler):
    """Lists nothing that can be read, and answers to any name."""

    listing = b"<html>"

    def do_GET(self) -> None:
        self._say(self.listing)

    def do_POST(self) -> None:
        self._say(b"{}")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is http.server's
        """Nothing."""

    def _say(self, content: bytes) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def served(listing: bytes) -> Iterator[str]:
    handler = type("Handler", (AnyName,), {"listing": listing})
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        server.shutdown()
        thread.join()


def test_a_servers_models_are_read_and_an_unknown_one_is_refused() -> None:
    with fake_openai(FakeModel(name="good"), FakeModel(name="bad")) as server:
        assert listed_models(server.url, "") == ("good", "bad")
        assert is_refused(server.url, "", "goood")
        assert not is_refused(server.url, "", "good")


@pytest.mark.parametrize("listing", [b"<html>", b"[1]", b'{"data": 3}', b'{"data": [{"name": "x"}, 4]}'])
def test_a_list_that_cannot_be_read_is_no_list(listing: bytes) -> None:
    with served(listing) as url:
        assert listed_models(url, "") == ()


def test_a_server_that_answers_to_any_name_refuses_none() -> None:
    with served(b'{"data": [{"id": "/models/llama.gguf"}]}') as url:
        assert listed_models(url, "") == ("/models/llama.gguf",)
        assert not is_refused(url, "", "llama")


def test_nobody_there_is_no_list() -> None:
    assert listed_models("http://127.0.0.1:9/v1", "") == ()


def test_a_name_without_its_tag_is_listed() -> None:
    assert is_listed("qwen", ("qwen:latest",))
    assert not is_listed("qwen", ("qwen:7b",))
