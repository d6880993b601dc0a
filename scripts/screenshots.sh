#!/bin/sh
# Makes the pictures of docs/dashboard.md: the browser tests write them as they go; then they are cut to 128 colours.
set -eu
cd "$(dirname "$0")/.."
bin="${1:-.venv/bin}"
EVENKEEL_SCREENSHOTS="$PWD/docs/screenshots" "$bin/pytest" -q tests/end_to_end/test_dashboard_browser.py
"$bin/python" - docs/screenshots/*.png <<'PYTHON'
import sys

from PIL import Image  # Streamlit brings it along

for path in sys.argv[1:]:
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(128, dither=Image.Dither.NONE)
    small.save(path, optimize=True)
PYTHON
