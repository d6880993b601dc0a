"""Writes a result file with what is needed to believe it: environment, date, commit, load of the machine."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from evaluators.environment import current_environment
from evaluators.jsonable import to_json
from evolve.version import software_version

RESULTS = Path(__file__).parent / "results"


def write_result(name: str, figures: Mapping[str, object]) -> Path:
    """``results/NAME.json``."""
    libraries = ["numpy", "scipy", *(library for library in ("torch", "triton") if library in sys.modules)]
    environment = to_json(current_environment(libraries, "see figures"))
    document = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": software_version(),
        "cores": os.cpu_count(),
        "load_average_1_min": round(os.getloadavg()[0], 2),
        "environment": environment,
        "figures": dict(figures),
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(document["figures"], indent=2))
    print(f"written to {path}")
    return path
