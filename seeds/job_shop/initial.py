"""Most work remaining without delay, with further ideas laid open as constants at neutral values.

Method: the dispatching rule MWKR (see `baselines/mwkr.py`). With the constants below it is that rule and nothing else;
each further feature has weight zero, to be turned.
"""

import numpy as np

Array = np.ndarray

# EVOLVE-BLOCK-START
REMAINING = 1.0  # for the work that the job still has, this operation included
DURATION = 0.0  # against long operations
OPERATIONS = 0.0  # for the number of operations that the job still has, in mean durations
WAITED = 0.0  # for the time that the job has waited
IDLE = 1.0  # against the time that the machine would idle for the job
NEXT_QUEUE = 0.0  # against work that waits at the job's next machine
NEXT_LOAD = 0.0  # for the work that its next machine has before it
INSIDE = 1.0  # share of the machines that may be held before a shop without buffers lets no new job in
DELAY = 0.0  # how long a machine may wait for a job: 0 not at all, 1 until another one could have ended


def urgency(work_left: Array, ops_left: Array, waited: Array, next_load: Array, mean_duration: float) -> Array:
    """What speaks for a job."""
    progress = REMAINING * work_left + OPERATIONS * ops_left * mean_duration
    return progress + WAITED * waited + NEXT_LOAD * next_load


def cost(duration: Array, idle: Array, next_queue: Array) -> Array:
    """What speaks against it."""
    return DURATION * duration + IDLE * idle + NEXT_QUEUE * next_queue


def window(load: float, blocking: bool, noisy: bool) -> float:
    """How far a machine with this share of the shop's mean load left may wait, 0 to 1."""
    return DELAY


def is_full(held: float, load: float) -> bool:
    """Whether no new job may enter, from the share of machines held and this machine's share of the mean load left."""
    return held >= INSIDE


class Policy:
    """The task's interface. Any other method may stand here."""

    def __init__(self, config: dict) -> None:
        self.rule = Rule(config)

    def priority(self, ops: dict, state: dict) -> dict:
        """The lowest priority goes first."""
        return self.rule.priority(ops, state)


# EVOLVE-BLOCK-END


class Rule:
    """Priorities, windows and gates from the functions above."""

    def __init__(self, config: dict) -> None:
        durations = config["durations"]
        self.machines = config["machines"]
        self.mean_duration = float(durations.mean())
        self.mean_load = float(durations.sum()) / config["machines"]
        self.blocking = config["variant"] == "blocking"
        self.noisy = config["variant"] == "stochastic"

    def priority(self, ops: dict, state: dict) -> dict:
        """Cost minus urgency, and the window."""
        start, arrival = ops["start"], ops["arrival"]
        waited = np.maximum(start - arrival, 0.0)
        gain = urgency(ops["work_left"], ops["ops_left"], waited, ops["next_load"], self.mean_duration)
        loss = cost(ops["duration"], start - state["earliest"], ops["next_queue"])
        load = state["machine_load"] / self.mean_load
        delay = window(load, self.blocking, self.noisy)
        full = bool(is_full(state["machines_held"] / self.machines, load))
        return {
            "priority": np.nan_to_num(np.broadcast_to(loss - gain, start.shape).astype(np.float64)),
            "delay": float(min(max(np.nan_to_num(delay), 0.0), 1.0)),
            "wait": full and bool((ops["from_machine"] < 0).all()),
        }
