"""Pages by name, and the queries that make a view sharable."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from importlib import import_module
from typing import cast

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from dashboard import inert

_CANDIDATE = re.compile(r"[0-9a-fA-F]{4,64}")
_RUN = re.compile(r"[0-9A-Za-z]{1,32}")


class PageName(StrEnum):
    """The pages; the value is the path of the URL, but for the first one, which lies at the root."""

    LEADERBOARD = "leaderboard"
    RUN = "run"
    CANDIDATE = "candidate"
    MAP = "map"
    COMPARE = "compare"
    TRUST = "trust"


_ICONS = {
    PageName.LEADERBOARD: ":material/leaderboard:",
    PageName.RUN: ":material/monitoring:",
    PageName.CANDIDATE: ":material/code:",
    PageName.MAP: ":material/account_tree:",
    PageName.COMPARE: ":material/balance:",
    PageName.TRUST: ":material/verified_user:",
}


def page(name: PageName) -> StreamlitPage:
    """The page `name`, for `st.navigation` and for links."""
    module = import_module(f"dashboard.screens.{name}")
    return st.Page(
        vars(module)["page"],
        title=name.capitalize(),
        icon=_ICONS[name],
        url_path=name,
        default=name is PageName.LEADERBOARD,
    )


def candidate_link(candidate_id: str, label: str = "") -> None:
    """A link to a program."""
    st.page_link(
        page(PageName.CANDIDATE),
        label=label or inert.markdown(candidate_id[:10]),
        query_params={"id": candidate_id[:16]},
    )


def run_link(run_id: str, label: str = "") -> None:
    """A link to a run."""
    st.page_link(page(PageName.RUN), label=label or inert.markdown(f"Run {run_id}"), query_params={"run": run_id})


def compare_link(candidate_ids: Sequence[str], label: str) -> None:
    """A link to a comparison of programs, the first one against each of the others."""
    ids = [candidate_id[:16] for candidate_id in candidate_ids]
    st.page_link(page(PageName.COMPARE), label=label, query_params={"id": ids})


def open_candidate(candidate_id: str) -> None:
    """Goes to a program."""
    st.switch_page(page(PageName.CANDIDATE), query_params={"id": candidate_id[:16]})


def queried_candidates(name: str = "id") -> list[str]:
    """The candidates' ids in the URL, those that can be none left out."""
    return [text.lower() for text in st.query_params.get_all(name) if _CANDIDATE.fullmatch(text)]


def queried(name: str) -> list[str]:
    """What the URL has under `name`, as cells show it."""
    return [inert.cell(text, 40) for text in st.query_params.get_all(name)]


def strange_candidates(name: str = "id") -> list[str]:
    """What the URL has in place of candidates' ids and can be none."""
    return [text for text in queried(name) if not _CANDIDATE.fullmatch(text)]


def queried_runs() -> list[str]:
    """The runs in the URL, those that can be none left out."""
    return [text for text in st.query_params.get_all("run") if _RUN.fullmatch(text)]


def remember(name: str, *values: str) -> None:
    """Puts `values` into the URL, so that the view can be shared."""
    if st.query_params.get_all(name) != list(values):
        st.query_params[name] = cast("str", list(values))  # one parameter for each, which the stubs do not know
