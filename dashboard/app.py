"""What Streamlit runs: ``streamlit run dashboard/app.py``, or rather ``evolve dashboard``."""

from __future__ import annotations

import streamlit as st

from dashboard.icon import ICON
from dashboard.links import PageName, page

_LESS_EMPTY = "<style>.stMainBlockContainer {padding-top: 4.5rem; padding-bottom: 2rem}</style>"


def main() -> None:
    """Sets the frame and runs the page that the URL names."""
    st.set_page_config(page_title="Evenkeel", page_icon=ICON, layout="wide")
    chosen = st.navigation([page(name) for name in PageName], position="top")
    st.html(_LESS_EMPTY)
    chosen.run()


main()
