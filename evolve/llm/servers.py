"""What a base URL tells: whose server it is, and under which name its key is kept. Pure."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from evolve.errors import ConfigError

OPENAI_KEY = "OPENAI_API_KEY"
OPENAI_URL = "https://api.openai.com/v1"

_OPENAI_HOST = "api.openai.com"
_KEY_VARIABLES = {
    "api.anthropic.com": "ANTHROPIC_API_KEY",
    "api.deepseek.com": "DEEPSEEK_API_KEY",
    "api.fireworks.ai": "FIREWORKS_API_KEY",
    "api.groq.com": "GROQ_API_KEY",
    "api.mistral.ai": "MISTRAL_API_KEY",
    "api.together.xyz": "TOGETHER_API_KEY",
    "api.x.ai": "XAI_API_KEY",
    "generativelanguage.googleapis.com": "GEMINI_API_KEY",
    "openrouter.ai": "OPENROUTER_API_KEY",
}
_PRIVATE_SUFFIXES = (".localhost", ".local", ".lan", ".internal", ".home.arpa")


def check_url(base_url: str) -> None:
    """Refuses what is not the address of a server.

    Raises:
        ConfigError: It has no scheme or host, or carries a password, a query or a fragment: keys do not belong there.
    """
    try:
        parts = urlsplit(base_url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
        (parts.hostname or "").encode("idna")  # as every connection does
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError(f"expected a base_url like http://127.0.0.1:8000/v1, found {base_url!r}")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigError(
            f"the base_url of {parts.hostname} holds a password or a query; leave it out, and name the environment "
            "variable of the key in `key_variable`"
        )


def is_openai(base_url: str) -> bool:
    """Whether OpenAI itself is asked."""
    return not base_url or _host(base_url) == _OPENAI_HOST


def is_own_server(base_url: str) -> bool:
    """Whether the server is one's own: on this machine, in a private network, or spoken to without encryption.

    It is sent no key unless one is named for it, and is free unless a price is declared.
    """
    if not base_url:
        return False
    host = _host(base_url)
    try:
        return ipaddress.ip_address(host).is_private or urlsplit(base_url).scheme == "http"
    except ValueError:
        inside = "." not in host or host.endswith(_PRIVATE_SUFFIXES)
        return inside or urlsplit(base_url).scheme == "http"


def key_variable_of(base_url: str) -> str:
    """The environment variable in which the key for this server is usually kept."""
    return _KEY_VARIABLES.get(_host(base_url), OPENAI_KEY) if base_url else OPENAI_KEY


def _host(base_url: str) -> str:
    return (urlsplit(base_url).hostname or "").lower()
