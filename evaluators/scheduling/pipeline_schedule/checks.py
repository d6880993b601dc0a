"""What a user's settings must satisfy together; most sentences are said before anything is drawn."""

from __future__ import annotations

from evaluators.contract import ContractError, Split, Tier
from evaluators.problem import Settings
from evaluators.scheduling.pipeline_schedule.parameters import MIXED, MOST_PASSES
from evaluators.scheduling.pipeline_schedule.profile import Profile
from evaluators.scheduling.pipeline_schedule.recorded import recorded_shape
from evaluators.scheduling.pipeline_schedule.suite import drawn
from evaluators.seeding import SeedSource, secret_from_seed


def check_settings(settings: Settings, profile: Profile | None) -> None:
    """Nothing, if the settings agree and there is something to win.

    Raises:
        ContractError: Something counts for nothing beside something else, or no pipeline could be played.
    """
    if not settings:
        return
    if int(settings.get("devices", 0)) == 1:
        raise ContractError("devices: expected two or more, found 1: one device is never idle, whatever the order")
    if int(settings.get("micro_batches", 0)) == 1:
        raise ContractError("micro_batches: expected two or more, found 1: there is next to nothing to order")
    if float(settings.get("memory", 0.0)) and int(settings.get("capacity_mb", 0)):
        raise ContractError("memory, capacity_mb: both say what a device can hold; expected one of them")
    if str(settings.get("placement", MIXED)) != MIXED and int(settings.get("chunks", 0)) == 1:
        raise ContractError("placement: counts only with several stages on a device; expected chunks of 2 or more")
    if profile is not None:
        _check_profile(settings, profile)
    _check_size(settings, profile)
    _check_room(settings, profile)


def _check_profile(settings: Settings, profile: Profile) -> None:
    if str(settings.get("pattern", MIXED)) != MIXED:
        raise ContractError("profile: says what the stages are; expected no pattern beside it")
    devices, chunks = recorded_shape(profile, settings)
    if not int(settings.get("devices", 0)) and profile.layers % chunks:
        raise ContractError(
            f"devices: {profile.layers} layers are no whole number of times {chunks} chunks; expected devices to be set"
        )
    if not 2 <= devices * chunks <= profile.layers or devices < 2:
        raise ContractError(
            f"devices: {devices} of {chunks} stages each need as many layers or more, and two devices at least; the "
            f"profile has {profile.layers}"
        )


def _check_size(settings: Settings, profile: Profile | None) -> None:
    """No step of so many passes that it takes minutes to compute."""
    if profile is not None:
        devices, chunks = recorded_shape(profile, settings)
    else:
        devices, chunks = int(settings.get("devices", 0)) or 16, int(settings.get("chunks", 0)) or 4
    batches = int(settings.get("micro_batches", 0)) or (3 if profile is None else 5) * devices
    passes = 3 * devices * chunks * batches
    if passes > MOST_PASSES:
        raise ContractError(
            f"devices, chunks, micro_batches: expected at most {MOST_PASSES} passes in a step, found up to {passes}"
        )


def _check_room(settings: Settings, profile: Profile | None) -> None:
    """In some pipeline 1F1B is not at the bound."""
    for split in (Split.SEARCH, Split.REPORT):
        scenarios = drawn(settings, profile, Tier.SMOKE, split, SeedSource(secret_from_seed(0), split))
        if any(scenario.weak_us > scenario.bound_us for scenario in scenarios):
            return
    raise ContractError(
        "nothing can be won: with these settings 1F1B takes no longer than any order must; expected more devices, "
        "micro-batches or memory"
    )
