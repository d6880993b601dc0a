"""``python -m tests.hostile.survey [LAYER...]``: the corpus with these layers left out; its results as JSON."""

from __future__ import annotations

import os
import sys

from evaluators import jsonable
from evaluators.sandbox.client import Sandbox
from tests.hostile.corpus import CANARY, CANARY_VARIABLES, survey


def main() -> None:
    """Print the survey."""
    os.environ |= dict.fromkeys(CANARY_VARIABLES, CANARY)
    with Sandbox.start(["numpy"], disabled=sys.argv[1:]) as sandbox:
        sys.stdout.write(jsonable.dumps(survey(sandbox)))


if __name__ == "__main__":
    main()
