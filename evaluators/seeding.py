"""Seeds that a candidate cannot predict and a run can repeat: HMAC over a secret, the split and the instance."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from evaluators.contract import Split


def fresh_secret() -> str:
    """Sixty-four hex digits from the operating system."""
    return secrets.token_hex(32)


def secret_from_seed(seed: int) -> str:
    """The run secret that ``--seed`` stands for: the run repeats, and anyone who knows the seed knows its instances."""
    return hashlib.sha256(f"evenkeel run seed {seed}".encode()).hexdigest()


def round_secret(secret: str, fresh_round: int) -> str:
    """The secret of a run's further rounds of instances: nobody saw them when a program was chosen on round 0."""
    if fresh_round == 0:
        return secret
    return hmac.new(secret.encode(), f"evenkeel round {fresh_round}".encode(), hashlib.sha256).hexdigest()


def report_secret(task: str, revision: int) -> str:
    """The public secret of the `REPORT` split: the same everywhere for one revision of a task."""
    return hashlib.sha256(f"evenkeel report {task} revision {revision}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class SeedSource:
    """The seeds of one split. The secret stays in the controller and the worker."""

    secret: str
    split: Split

    def instance(self, name: str) -> int:
        """The 64-bit seed of an instance's workload."""
        return self._derive("instance", name)

    def candidate(self, name: str) -> int:
        """The 32-bit seed handed to the candidate: from another key, so it tells nothing about the workload."""
        return self._derive("candidate", name) & 0xFFFFFFFF

    def digest(self) -> str:
        """Sixteen hex digits naming this source without revealing it; equal digests mean equal instances."""
        return f"{self._derive('digest', ''):016x}"

    def _derive(self, purpose: str, name: str) -> int:
        message = f"{purpose}|{self.split}|{name}".encode()
        return int.from_bytes(hmac.new(self.secret.encode(), message, hashlib.sha256).digest()[:8], "little")
