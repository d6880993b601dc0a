"""The tab's icon, drawn here: a named one would be fetched from another server."""

from __future__ import annotations

from dashboard.palette import BLUE, ORANGE

ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
    f'<path d="M4 18 Q16 34 28 18 Z" fill="{BLUE}"/><rect x="14.5" y="3" width="3" height="15" fill="{ORANGE}"/></svg>'
)
