"""Which part of a user's recording each split plays: parts that are apart, the last one for what is never shown."""

from __future__ import annotations

from evaluators.contract import Split

STRETCHES = {  # from and to, as shares of the recording
    Split.SEARCH: (0.0, 0.5),
    Split.VALIDATION: (0.5, 0.75),
    Split.HOLDOUT: (0.75, 1.0),
    Split.REPORT: (0.75, 1.0),
}
SHORTEST = 0.25  # of these
