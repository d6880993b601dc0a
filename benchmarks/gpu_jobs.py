"""The items that are programs of their own: tasks scored, losses trained, placements replayed. No torch here."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.gpu_book import ROOT
from benchmarks.gpu_scale import Scale

LOSSES = ("global_batch_lbl", "micro_batch_lbl", "none", "loss_free_bias", "longcat_bias")  # the reference first
LOSS_SECONDS = {"torch": 90, "triton": 30}  # after which a report of a loss begins no further training
DRY_LOSS_SECONDS = 1


def kernel_program(scale: Scale, path: str, stage: str, tier: str) -> dict[str, Any]:
    """One program of `moe_kernel` for a stage, scored on this GPU."""
    tier = "smoke" if scale.dry else tier
    return evaluated("moe_kernel", ROOT / path, scale, "--tier", tier, "--set", f"stage={stage}")


def placement(scale: Scale, path: str, shape: str, profile: str) -> dict[str, Any]:
    """One placement program with the measured profile of a shape, or, with no profile, the roofline of its expert."""
    words = _placement_words(scale, shape, profile)
    return evaluated("expert_replication", ROOT / path, scale, "--tier", "smoke" if scale.dry else "quick", *words)


def replay(scale: Scale, shape: str, profile: str) -> dict[str, Any]:
    """The initial program and the baselines of `expert_replication`, simulated on a profile or on the roofline."""
    folder = ROOT / "seeds" / "expert_replication"
    programs = [folder / "initial.py", *sorted((folder / "baselines").glob("*.py"))[: 2 if scale.dry else None]]
    out = scale.scratch() / "replay.json"
    command = [sys.executable, "-m", "evaluators.kernels.replay", "--allow-unsafe", "--out", str(out)]
    command += ["--programs", *map(str, programs)]
    said = called([*command, *_placement_words(scale, shape, profile), *scale.replay_words])
    result = dict(json.loads(out.read_text(encoding="utf-8")))
    out.unlink()
    return {**result, "report": said}


def loss_reports(scale: Scale, kernels: str) -> dict[str, Any]:
    """The trainings of the losses of `moe_loss` on this GPU, side by side, as far as they get.

    Small models leave most of the GPU idle, and no time of theirs is a result; the report itself resumes.
    """
    losses, folder = LOSSES[: 1 if scale.dry else None], scale.scratch() / f"moe_report_{kernels}"
    seconds = str(DRY_LOSS_SECONDS if scale.dry else LOSS_SECONDS[kernels])
    command = [sys.executable, "-m", "benchmarks.moe_report", "--out", str(folder), "--seconds", seconds]
    command += ["--set", f"kernels={kernels}", *(["--set", "steps=2"] if scale.dry else [])]
    with ThreadPoolExecutor(len(losses)) as threads:
        said = list(threads.map(lambda loss: _said_of([*command, "--only", loss]), losses))
    return {
        "said": {loss: text[-1000:] for loss, text in zip(losses, said, strict=True)},
        "jobs": {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.json"))},
    }


def evaluated(task: str, program: Path, scale: Scale, *words: str) -> dict[str, Any]:
    """An evaluation by the one-shot scorer, without its instances' details."""
    out = scale.scratch() / "evaluation.json"
    command = [sys.executable, "-m", "evaluators.run", "--task", task, "--program", str(program), "--out", str(out)]
    called([*command, "--allow-unsafe", *words])
    made = json.loads(out.read_text(encoding="utf-8"))
    out.unlink()
    instances = [
        {name: instance.get(name) for name in ("name", "regime", "outcome", "score", "detail")}
        for instance in made["instances"]
    ]
    kept = ("task_identity", "tier", "split", "outcome", "objective", "metrics", "environment_class", "cpu_s", "wall_s")
    return {"program": program.stem, **{name: made.get(name) for name in kept}, "instances": instances}


def _placement_words(scale: Scale, shape: str, profile: str) -> list[str]:
    """The settings of the replayed system, as words of a command line."""
    size = scale.shapes[shape]
    widths = (f"hidden={size.width}", f"intermediate={size.expert_width}")
    times = (f"profile={measured_profile(scale, profile)}",) if profile else widths
    return [word for setting in (*scale.settings, "device=h200", *times) for word in ("--set", setting)]


def measured_profile(scale: Scale, shape: str) -> Path:
    """The profile file that the item ``profile SHAPE`` wrote.

    Raises:
        FileNotFoundError: It has not been measured.
    """
    found = sorted(scale.out.glob(f"profile_*-{shape}.json"))
    if not found:
        raise FileNotFoundError(f"there is no profile of {shape} in {scale.out}: run the item 'profile {shape}' first")
    return found[0]


def _said_of(command: list[str]) -> str:
    """What a program printed, or why it failed: of several at once one that fails costs the others nothing."""
    try:
        return called(command)
    except RuntimeError as error:
        return str(error)


def called(command: list[str]) -> str:
    """What a program printed.

    Raises:
        RuntimeError: It failed; with the end of what it said.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)  # timed by the script
    if done.returncode != 0:
        raise RuntimeError(f"exit status {done.returncode}: {done.stderr[-1500:] or done.stdout[-500:]}")
    return done.stdout
