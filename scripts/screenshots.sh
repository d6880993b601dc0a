#!/bin/sh
# Makes the pictures of docs/dashboard.md: the browser tests write them as they go.
set -eu
cd "$(dirname "$0")/.."
EVENKEEL_SCREENSHOTS="$PWD/docs/screenshots" exec "${1:-.venv/bin/pytest}" -q tests/end_to_end/test_dashboard_browser.py
