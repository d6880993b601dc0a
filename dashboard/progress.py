"""The folds of runs that all sessions of a server share: each look reads only the attempts told since the last one."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

import streamlit as st

from archive.run_views import told_after
from archive.store import Archive
from dashboard.views.fold import RunFold

_MAX_RUNS = 64


@dataclass(slots=True)
class _Entry:
    fold: RunFold = field(default_factory=RunFold)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Folds:
    """The folds of the runs looked at last."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def current(self, archive: Archive, run_id: str) -> RunFold:
        """The fold of a run, brought up to what is archived."""
        with self._lock:
            entry = self._entries.setdefault(run_id, _Entry())
            self._entries.move_to_end(run_id)
            while len(self._entries) > _MAX_RUNS:
                self._entries.popitem(last=False)
        with entry.lock:
            for page in told_after(archive, run_id, entry.fold.last_tell):
                entry.fold.add(page)
            return entry.fold.snapshot()


@st.cache_resource(show_spinner=False, max_entries=4)
def folds(archive_key: int) -> Folds:  # noqa: ARG001 - part of the key
    """The folds of one opened archive."""
    return Folds()


def fold_of(archive: Archive, run_id: str) -> RunFold:
    """The fold of a run of this archive, brought up to date."""
    return folds(id(archive)).current(archive, run_id)
