"""Measured expert times in place of the roofline."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from evaluators.contract import ContractError, ParameterValue
from evaluators.kernels.profiles import Profile, read
from evaluators.parameters import file_path
from evaluators.placement.cost import ExpertCurve, measured_curve


def named_profile(settings: Mapping[str, ParameterValue]) -> Profile | None:
    """The profile that the user set, by name or path; None where none is set.

    Raises:
        ContractError: There is none, or it is no profile.
    """
    value = settings.get("profile", "")
    return read(str(file_path(value))) if value else None


def curve_of(profile: Profile | None) -> ExpertCurve | None:
    """Its stairs; None for no profile."""
    if profile is None:
        return None
    return measured_curve(np.array(profile.tokens), np.array(profile.time_us))


def with_measured_expert(
    settings: Mapping[str, ParameterValue], profile: Profile | None
) -> Mapping[str, ParameterValue]:
    """The settings with the widths of the expert that was measured, where the profile tells them.

    Raises:
        ContractError: The user set other widths: the times would be another expert's.
    """
    if profile is None or profile.expert is None:
        return settings
    measured = {"hidden": profile.expert.width, "intermediate": profile.expert.expert_width}
    for name, width in measured.items():
        if settings.get(name, width) != width:
            raise ContractError(
                f"{name}: profile {profile.name} was measured with {name}={width}, found {settings[name]}; "
                "leave it out, or measure a profile of this expert with `python -m evaluators.kernels.cost_curve`"
            )
    return {**settings, **measured}
