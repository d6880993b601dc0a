"""One driver per run: who we are, whether another owner still lives, and the heartbeat."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from archive.errors import LeaseHeldError
from archive.store import Archive
from evolve.errors import RunError

LEASE_S = 60.0
HEARTBEAT_S = 1.0  # also how soon `evolve stop` from another terminal is seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How a short command waits for another one that works on the same run."""

    seconds: float
    announce: Callable[[str], None]  # called once, with the owner that is waited for
    poll_s: float = HEARTBEAT_S


def this_process() -> str:
    """``host:pid:start`` of this process; the start time tells it from a later one with the same number."""
    return f"{socket.gethostname()}:{os.getpid()}:{_start_ticks(os.getpid())}"


def is_dead(owner: str) -> bool:
    """Whether `owner` is known to be gone: only a process of this host can be."""
    host, pid, start = owner.rsplit(":", 2)
    return host == socket.gethostname() and _start_ticks(int(pid)) != start


def shows_life(archive: Archive, run_id: str) -> bool:
    """Whether somebody may be driving a run: its lease has not run out, and its owner is not known to be gone."""
    held = archive.lease(run_id)
    return held is not None and held.expires_at > time.time() and not is_dead(held.owner)


def take(archive: Archive, run_id: str, owner: str) -> None:
    """Become the driver of a run; the lease of a dead process of this host is taken over at once.

    Raises:
        LeaseHeldError: A live process drives it; the message names it.
    """
    try:
        archive.take_lease(run_id, owner, time.time(), LEASE_S)
    except LeaseHeldError as held:
        if not is_dead(held.owner):
            raise
        archive.release_lease(run_id, held.owner)
        archive.take_lease(run_id, owner, time.time(), LEASE_S)


def is_driven(archive: Archive, run_id: str) -> bool:
    """Whether a process drives the run. The lease of a dead process of this host is given back.

    Raises:
        UnknownRecordError: There is no such run.
    """
    found = archive.lease(run_id)
    if found is None:
        return False
    if is_dead(found.owner):
        archive.release_lease(run_id, found.owner)
        return False
    return found.expires_at > time.time()


async def keep(archive: Archive, run_id: str, owner: str, stop: Callable[[], None]) -> None:
    """Renew the lease until cancelled, and call `stop` when another terminal asks for it."""
    while True:
        await asyncio.sleep(HEARTBEAT_S)
        archive.renew_lease(run_id, owner, time.time(), LEASE_S)
        if archive.stop_requested(run_id):
            stop()


async def take_in_turn(archive: Archive, run_id: str, owner: str, patience: Patience) -> None:
    """Become the driver of a run as soon as the short command that drives it has ended.

    Raises:
        RunError: It has not within `patience`.
    """
    give_up_s = time.monotonic() + patience.seconds
    waits_for = ""
    while True:
        try:
            take(archive, run_id, owner)
        except LeaseHeldError as other:
            if time.monotonic() >= give_up_s:
                raise RunError(
                    f"another command works on run {run_id} ({other.owner}); try again when it has ended"
                ) from other
            if not waits_for:
                waits_for = other.owner
                patience.announce(waits_for)
        else:
            return
        await asyncio.sleep(patience.poll_s)


@asynccontextmanager
async def held(
    archive: Archive, run_id: str, stop: Callable[[], None] | None = None, patience: Patience | None = None
) -> AsyncIterator[None]:
    """Be the driver of a run for as long as the block lasts.

    Args:
        stop: Called when another terminal asks for it, or the lease cannot be renewed and may soon be another's.
        patience: Of a command that waits for its turn.

    Raises:
        LeaseHeldError: A live process drives it.
        RunError: One still does after all `patience`.
    """
    owner = this_process()
    if patience is None:
        take(archive, run_id, owner)
    else:
        await take_in_turn(archive, run_id, owner, patience)
    heartbeat = asyncio.create_task(keep(archive, run_id, owner, stop or _ignore))
    if stop is not None:
        heartbeat.add_done_callback(lambda _: stop())
    try:
        yield
    finally:
        heartbeat.cancel()
        with suppress(asyncio.CancelledError):
            await heartbeat
        archive.release_lease(run_id, owner)


def _ignore() -> None:
    """A single short step is not stopped half-way."""


def _start_ticks(pid: int) -> str:
    """Start time of a process in clock ticks since boot; empty for one that is not there."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]
