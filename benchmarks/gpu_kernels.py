"""The items that look at single kernels: correctness, ceilings, profiles. Imported in the worker only."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import torch
from triton.errors import TritonError

from benchmarks.gpu_pool import in_processes
from benchmarks.gpu_scale import Scale
from evaluators.kernels.cases import LARGE, SMALL, with_dtype
from evaluators.kernels.ceilings import CeilingSizes, measure_ceilings
from evaluators.kernels.checks import CHECKS
from evaluators.kernels.cost_curve import CurveSettings, profile_path, write_profile
from evaluators.kernels.launch import device_name, dtype_named
from evaluators.kernels.stopwatches import device_state
from evaluators.kernels.trial import Trial
from evaluators.kernels.workbench import timer_on

CHECKS_LONGEST_FIRST = tuple(reversed(list(CHECKS)))  # gradients and whole layers compile most kernels
LOST = "not tried: an earlier check in the same process lost the CUDA context"


def state(scale: Scale) -> dict[str, Any]:
    """Clocks, temperature and power; the GPU's own figures."""
    found = device_state()
    memory = torch.cuda.get_device_properties(0) if not scale.dry else None
    return {
        "device": device_name(torch.device(scale.device_type)),
        "state": None if found is None else asdict(found),
        "l2_bytes": 0 if memory is None else memory.L2_cache_size,
        "processors": 0 if memory is None else memory.multi_processor_count,
    }


def correctness(scale: Scale, dtype: str, part: str) -> dict[str, Any]:
    """Every check over some of the cases: the relative errors found, and what is wrong."""
    tasks = [(scale.device_type, dtype, check, case) for case in scale.cases(part) for check in CHECKS_LONGEST_FIRST]
    found = in_processes(scale.compilers, _check_once, tasks, scale.check_s)
    errors: dict[str, dict[str, float]] = {}
    wrong: dict[str, str] = {}
    for (_, _, check, case), outcome in zip(tasks, found, strict=True):
        name = f"{check}: {LARGE[case].name}"
        if isinstance(outcome, str):
            wrong[name] = outcome
        else:
            errors[name] = outcome
    return {"checked": len(tasks), "wrong": wrong, "errors": errors}


def ceilings(scale: Scale) -> dict[str, Any]:
    """Copy bandwidth, matrix rate and launch of this device."""
    device = torch.device(scale.device_type)
    return asdict(measure_ceilings(timer_on(device, scale.effort), device, _ceiling_sizes(scale)))


def profile(scale: Scale, shape: str) -> dict[str, Any]:
    """A profile for the experts of a shape, as a file beside the other results."""
    settings = CurveSettings(
        shape=scale.shapes[shape],
        knots=scale.knots,
        beside=scale.beside,
        batches=scale.batches,
        ceilings=_ceiling_sizes(scale),
        effort=replace(scale.effort, launches=max(1, scale.effort.launches // 2)),
    )
    device = torch.device(scale.device_type)
    label = device_name(device)
    path = write_profile(settings, device, scale.out / f"profile_{profile_path(label).stem}-{shape}.json")
    return dict(json.loads(path.read_text(encoding="utf-8")))


def _ceiling_sizes(scale: Scale) -> CeilingSizes:
    return CeilingSizes(
        copied_bytes=scale.copied_bytes,
        matrix_width=scale.matrix_width,
        dtype=torch.float32 if scale.dry else torch.bfloat16,
    )


def is_lost(device: torch.device) -> bool:
    """Whether a faulty kernel has spoiled this process for good: from then on every call of the device fails."""
    if device.type != "cuda":
        return False
    try:
        torch.cuda.synchronize(device)
    except RuntimeError:
        return True
    return False


def _check_once(device_type: str, dtype: str, check: str, case: int) -> dict[str, float] | str:
    """The errors of a check on a case, or what is wrong."""
    device = torch.device(device_type)
    if is_lost(device):
        return LOST
    chosen = LARGE[case] if device.type == "cuda" else SMALL[case]
    trial = Trial(case=with_dtype(chosen, dtype), device=device, dtype=dtype_named(dtype), seed=31 + case)
    try:
        return dict(CHECKS[check](trial))
    except (AssertionError, TritonError, RuntimeError) as error:  # a wrong result is an assertion of ours
        return f"{type(error).__name__}: {error}"[:500]
