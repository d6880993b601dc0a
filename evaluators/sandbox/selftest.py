"""Canary attacks through the real sandbox: which promises hold on this machine, tried rather than assumed."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from evaluators.candidate import Argument, Candidate, CandidateFailure, ReplyField
from evaluators.contract import Limits, Outcome
from evaluators.sandbox.properties import Property
from evaluators.sandbox.revision import source_digest

CANARY = (Path(__file__).parent / "canary.py").read_text(encoding="utf-8")
_SUCCEEDED = (ReplyField(name="succeeded", dtype="bool", shape=()),)
_LIMITS = Limits(wall_s=10.0, cpu_s=5.0, call_wall_s=5.0, memory_bytes=256 << 20)
_SHORT = Limits(wall_s=0.1, cpu_s=1.0, call_wall_s=0.1, memory_bytes=256 << 20)
_ATTACKS = {
    Property.CLEAN_START: ("read_environment", "use_open_files"),
    Property.MEMORY: ("allocate", "raise_memory_limit"),
    Property.PROCESSES: ("fork", "execute", "start_thread", "signal_parent"),
    Property.READING: ("read_secret", "list_folder"),
    Property.WRITING: ("write_file", "change_mode"),
    Property.NETWORK: ("open_socket",),
    Property.OTHER_PROCESSES: ("read_parent_memory", "read_parent_environment"),
}


class _Sandbox(Protocol):
    def candidate(self, source: str, limits: Limits) -> AbstractContextManager[Candidate]: ...


def missing_properties(sandbox: _Sandbox, layers: str, libraries: Sequence[str]) -> tuple[Property, ...]:
    """The promises that do not hold; a full pass is remembered until the next boot or change of the sandbox."""
    proof = _proof_path(layers, libraries)
    if proof is not None and proof.exists():
        return ()
    missing = tuple(promise for promise in Property if not _holds(sandbox, promise))
    if proof is not None and not missing:
        _remember(proof)
    return missing


def refusal(missing: Iterable[Property]) -> str:
    """One sentence for a user whose machine cannot keep these promises."""
    promises = "; ".join(f"{promise.label}: {promise}" for promise in missing)
    return (
        f"this machine cannot run untrusted programs safely, for these do not hold: {promises}. Run `evolve doctor` "
        "to see what is missing and how to get it, or pass --allow-unsafe if you trust every program that will run"
    )


def _holds(sandbox: _Sandbox, promise: Property) -> bool:
    if promise is Property.TIME:
        return _attempt(sandbox, _SHORT, "loop", []) is Outcome.TIMED_OUT
    with tempfile.TemporaryDirectory(prefix="evenkeel-canary-") as folder:
        secret = Path(folder, "secret")
        secret.write_text("canary", encoding="ascii")
        secret.chmod(0o666)  # only the sandbox may be what stops the attacks
        Path(folder).chmod(0o777)
        return not any(_attempt(sandbox, _LIMITS, attack, [str(secret)]) for attack in _ATTACKS[promise])


def _attempt(sandbox: _Sandbox, limits: Limits, attack: str, arguments: Sequence[Argument]) -> Outcome | None:
    """None if the attack was refused; a failure of the canary itself, or a success, count as not refused."""
    try:
        with sandbox.candidate(CANARY, limits) as canary:
            succeeded = canary.function(attack, arguments, _SUCCEEDED).arrays["succeeded"]
            return Outcome.SCORED if succeeded else None
    except CandidateFailure as failure:
        return failure.outcome


def _proof_path(layers: str, libraries: Sequence[str]) -> Path | None:
    """Where a pass is remembered; None where the kernel does not name the boot."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    except OSError:
        return None
    facts = [boot, platform.release(), source_digest(), os.getuid(), sys.executable, layers, list(libraries)]
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]
    home = os.environ.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
    return Path(home, "evenkeel", "sandbox", digest)


def _remember(proof: Path) -> None:
    try:
        proof.parent.mkdir(parents=True, exist_ok=True)
        proof.touch()
    except OSError:
        return  # an unwritable cache costs the next start a tenth of a second
