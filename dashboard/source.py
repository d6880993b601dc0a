"""The open archive that all sessions of a server share, and what is said when it cannot be read."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from archive.address import Address
from archive.errors import ArchiveError, UnknownRecordError
from archive.store import Archive
from dashboard import inert
from dashboard.settings import DEFAULT_ARCHIVE, Settings

_WAIT_S = 5.0  # readers wait for nobody on WAL archives; this is for the others


def settings() -> Settings:
    """What the server was started with."""
    return Settings.of(os.environ)


@contextmanager
def reading() -> Iterator[Archive]:
    """The archive; what goes wrong with it is shown as a sentence, and ends the page.

    After a failure the archive is opened anew by the next look, so that a server that came back is found.
    """
    try:
        yield _archive(settings().archive)
    except UnknownRecordError as error:
        st.warning(inert.markdown(str(error)), icon=":material/search_off:")
        st.stop()
    except ArchiveError as error:
        _opened.clear()
        st.error(inert.markdown(str(error)), icon=":material/database_off:")
        if st.button("Look again"):
            st.rerun()
        st.stop()


def shown_address() -> str:
    """The archive's URL without its password."""
    try:
        return str(Address.parse(settings().archive))
    except ArchiveError:
        return "an archive that is no URL"


def command(words: str) -> str:
    """A command of `evolve` that reads this archive; a password is left out."""
    if settings().archive == DEFAULT_ARCHIVE:
        return f"evolve {words}"
    return f"evolve {words} --archive {shlex.quote(shown_address())}"


def _archive(url: str) -> Archive:
    return _opened(url, _file_identity(url))


def _file_identity(url: str) -> tuple[int, int] | None:
    """Which file a SQLite archive is: another one under the same name is opened anew; None without a file."""
    path = Address.parse(url).path
    if path is None or not path.exists():
        return None
    status = path.stat()
    return status.st_dev, status.st_ino


@st.cache_resource(show_spinner="Opening the archive ...", max_entries=4, on_release=lambda archive: archive.close())
def _opened(url: str, identity: tuple[int, int] | None) -> Archive:  # noqa: ARG001 - part of the key
    return Archive.open(url, create=False, read_only=True, wait_s=_WAIT_S)
