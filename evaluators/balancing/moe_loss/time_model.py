"""What imbalance costs in time: experts are a share of a step's time, and the busiest device holds up the step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evaluators.balancing.moe_loss import balance
from evaluators.contract import ContractError
from evaluators.kernels.profiles import Profile

Devices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeModel:
    """Expert time is in proportion to tokens, or as measured where there is a profile."""

    expert_share: float = 0.5  # of the time of a balanced step that is spent in experts
    nats_per_time: float = 0.1  # cross-entropy that is lost per e-fold of step time
    profile: Profile | None = None  # one with the times of a layer

    def relative_step_time(
        self, counts_XE: balance.Counts, device_E: Devices, share_X: balance.Values | float = 1.0
    ) -> float:
        """Step time over that of a balanced step, mean over the leading axes.

        Args:
            counts_XE: Tokens of each expert; of a step and layer, say.
            device_E: The device that holds each expert.
            share_X: Share of the choices that these experts worked on; the rest is null experts' or dropped.
        """
        if self.profile is None or self.profile.layer is None:
            ratios = balance.device_load_ratio(counts_XE, device_E)
        else:
            ratios = _time_ratio(counts_XE, device_E, self.profile, self.profile.layer.tokens_per_expert)
        return 1.0 - self.expert_share + self.expert_share * float((share_X * ratios).mean())


def measured_times(profile: Profile, expert_share: float | None, nats_per_time: float) -> TimeModel:
    """The model of a profile; what its layer spends in experts is the share, unless another is given.

    Raises:
        ContractError: The profile has no layer.
    """
    if profile.layer is None:
        raise ContractError(
            f'profile {profile.name}: moe_loss needs the times of a layer, under "layer"; '
            "`python -m evaluators.kernels.cost_curve` measures them"
        )
    share = profile.layer.expert_share if expert_share is None else expert_share
    return TimeModel(expert_share=share, nats_per_time=nats_per_time, profile=profile)


def _time_ratio(counts_XE: balance.Counts, device_E: Devices, profile: Profile, even_tokens: float) -> balance.Values:
    """The busiest device's expert time over that of an even load, `even_tokens` to each expert of the measured layer.

    The small model's counts are scaled up to the measured layer's, so that an expert is as far from even in both.
    """
    counts = np.asarray(counts_XE, dtype=np.float64)
    times_XE = profile.expert_us(even_tokens * counts / counts.mean(-1, keepdims=True))
    members = (device_E[:, None] == np.arange(device_E.max() + 1)).astype(np.float64)
    even_us = float(profile.expert_us(np.array([even_tokens]))[0]) * members.sum(0).max()
    busiest = np.asarray((times_XE @ members).max(-1) / even_us)
    # Experts without tokens save reading their weights: no gain that a loss may earn.
    return np.asarray(np.maximum(busiest, 1.0), dtype=np.float64)
