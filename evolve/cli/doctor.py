"""`evolve doctor`: what this machine can be trusted with."""

from __future__ import annotations

from evolve.cli.options import Json
from evolve.cli.printing import print_json, print_text


def doctor(as_json: Json = False) -> None:
    """Show which sandbox properties hold here, by which layer, and how to get those that are missing."""
    from evaluators.probe import probe_machine

    report = probe_machine()
    if as_json:
        print_json(report)
        return
    print_text(str(report))
