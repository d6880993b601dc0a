"""Tables of several revisions say which row is of which."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.moe_table import carried_rows, revisions


def test_rows_of_an_earlier_revision_are_kept_under_its_name(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    rows = {"none": {"score": -0.1}, "simbal": {"score": -0.2}}
    path.write_text(json.dumps({"figures": {"seed": 0, "revision": 3, "rows": rows}}), encoding="utf-8")
    carried = carried_rows(path, seed=0, revision=3)
    assert carried["none"] == {"revision": 3, "score": -0.1}
    assert carried_rows(path, seed=1, revision=3) == carried_rows(path, seed=0, revision=2) == {}
    assert revisions(4, carried | {"simbal": {"score": -0.3}}) == (
        "revision 4 (`simbal`; the others, unchanged, of revision 3)"
    )
    assert revisions(3, rows) == "revision 3"
