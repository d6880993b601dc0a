"""What a user's settings must satisfy together; every sentence is said before anything is drawn."""

from __future__ import annotations

from evaluators.contract import ContractError, Split
from evaluators.problem import Settings
from evaluators.scheduling.sequence_split.lengths import PATTERNS
from evaluators.scheduling.sequence_split.parameters import MIXED
from evaluators.scheduling.sequence_split.recorded import Recording
from evaluators.scheduling.sequence_split.suite import HOLDOUT, SEARCH

_NEGATIVE_MEANS_UNSET = ("hop_us", "overhead_us")
_ZERO_MEANS_UNSET = ("linear_us", "crossover", "kv_kib", "intra_gb_s", "inter_gb_s")
_LEAST = 1e-6  # of these: far below any machine, far above where times overflow


def check_settings(settings: Settings, recording: Recording | None) -> None:
    """Nothing, if the settings agree.

    Raises:
        ContractError: Something counts for nothing beside something else, or no batch could be computed.
    """
    if recording is not None and settings.get("pattern", MIXED) != MIXED:
        raise ContractError("lengths: says how long the sequences are; expected no pattern beside it")
    if int(settings.get("sequences", 0)) == 1:
        raise ContractError("sequences: expected two or more, found 1: there is nothing to balance")
    for name in _NEGATIVE_MEANS_UNSET:
        value = float(settings.get(name, -1.0))
        if value < 0 and value != -1.0:
            raise ContractError(f"{name}: expected 0 or more, or -1 for the usual, found {value:g}")
    for name in _ZERO_MEANS_UNSET:
        value = float(settings.get(name, 0.0))
        if 0 < value < _LEAST:
            raise ContractError(f"{name}: expected {_LEAST:g} or more, or 0 for the scenario's own, found {value:g}")
    _check_links(settings)
    _check_cap(settings, recording)


def _check_links(settings: Settings) -> None:
    """The bound rests on it: a ring inside a node is never slower than one between nodes."""
    worlds = (SEARCH, HOLDOUT)
    links = [link for world in worlds for link in (*world.links, *world.slow_links)]
    intra = float(settings.get("intra_gb_s", 0)) or min(intra for intra, _ in links)
    inter = float(settings.get("inter_gb_s", 0)) or max(inter for _, inter in links)
    if {"intra_gb_s", "inter_gb_s"} & settings.keys() and inter > intra:
        raise ContractError(
            f"inter_gb_s: expected at most intra_gb_s, found {inter:g} between nodes and {intra:g} inside one"
            + ("" if {"intra_gb_s", "inter_gb_s"} <= settings.keys() else " in some scenarios; set both")
        )


def _check_cap(settings: Settings, recording: Recording | None) -> None:
    """Every sequence must fit on all ranks together."""
    cap = int(settings.get("cap", 0))
    if not cap:
        return
    ranks = int(settings.get("ranks", 0)) or min(ranks for world in (SEARCH, HOLDOUT) for ranks, _ in world.clusters)
    longest = int(recording.lengths.max()) if recording is not None else _longest(settings)
    if longest > cap * ranks:
        raise ContractError(
            f"cap: {ranks} ranks of {cap} tokens hold {cap * ranks}, but sequences have up to {longest}; expected a "
            f"cap of {-(-longest // ranks)} or more"
        )


def _longest(settings: Settings) -> int:
    chosen = str(settings.get("pattern", MIXED))
    return max(
        pattern.longest
        for name, pattern in PATTERNS.items()
        if chosen == name or (chosen == MIXED and pattern.split in (Split.SEARCH, Split.HOLDOUT))
    )
