"""Uniform Progress in the home region, with each of its decisions laid open as a constant or a small function.

Method: spot whenever it is there; without it, on demand only while behind a line of progress that leads from nothing at
the start to all of the work at the deadline (Wu et al., "Can't Be Late: Optimizing Spot Instance Savings under
Deadlines", NSDI 2024). With the constants below the line is straight, on demand is left as soon as there is spot, and
the job stays in region 0. Each further idea sits at its neutral value, to be turned.

`decide` is asked in every tick. `now` holds what `Policy.step` got (tick, done, mode, region, pending, available: spot
in every region), `config` what the job is told (work, deadline, overhead, regions, tick_s, spot_usd, on_demand_usd,
move_usd, seed), and `memory` is a dict, empty at the job's first tick, that is kept to its end.

Units: ticks, US dollars.
"""

from collections import namedtuple

IDLE, SPOT, ON_DEMAND = 0, 1, 2
Now = namedtuple("Now", "tick done mode region pending available")

# EVOLVE-BLOCK-START
CURVE = 1.0  # the line is (tick / deadline) ** CURVE of the work: above 1 it waits first, below 1 it hurries
TRUST = 0.0  # how much of the availability seen so far is added to CURVE
PRIOR = 0.5  # availability expected before any was seen
PRIOR_TICKS = 100.0  # how many ticks of seeing that is worth
LEAD = 0.0  # overheads by which progress must be ahead of the line before on demand is left for nothing
LAG = 0.0  # overheads by which progress may be behind the line before on demand is started
HOLD = 0.0  # the same where there is spot to go to; 0: any spot will do
PATIENCE = 1.0  # ticks without spot before on demand is considered
STEADY = 1.0  # ticks that spot must have been there before on demand is left for it
MOVE_GAIN = 0.0  # ticks over which a cheaper region's price must pay for the move; 0: never move
FEWEST_OVERHEADS = 0.0  # overheads of work left below which on demand is kept to the end


def expected_progress(tick: float, work: float, deadline: float, seen: float) -> float:
    """Ticks of work that should be done by now; `seen` is the share of ticks with spot so far."""
    bend = max(CURVE + TRUST * seen, 0.05)
    return work * (tick / deadline) ** bend


def choose_region(region: int, available: list, spot_usd: list, on_demand_usd: list, move_usd: float) -> int:
    """Where to start on spot; without spot here, what it must be cheaper than is on demand here."""
    best, best_usd = region, (spot_usd if available[region] else on_demand_usd)[region] * MOVE_GAIN
    for other in range(len(available)):
        usd = spot_usd[other] * MOVE_GAIN + move_usd
        if other != region and available[other] and usd < best_usd:
            best, best_usd = other, usd
    return best


def choose_mode(mode: int, ahead: float, left: float, up: float, down: float, overhead: float) -> int:
    """Idle, spot or on demand.

    `ahead`: ticks of work beyond the line; `left`: ticks of work to do; `up`: ticks for which spot has been there,
    `down`: for which it has not, 0 for the one that is not so.
    """
    if mode == ON_DEMAND and left < FEWEST_OVERHEADS * overhead:
        return ON_DEMAND
    if up > 0:
        waits = up < STEADY or (HOLD > 0 and ahead < HOLD * overhead)
        return ON_DEMAND if mode == ON_DEMAND and waits else SPOT
    if mode == ON_DEMAND:
        return ON_DEMAND if ahead < LEAD * overhead else IDLE
    return ON_DEMAND if ahead < -LAG * overhead and down >= PATIENCE else IDLE


def decide(now: Now, config: dict, memory: dict) -> tuple:
    """The mode and the region of this tick."""
    target = now.region
    if now.mode != SPOT:
        prices = config["spot_usd"], config["on_demand_usd"], config["move_usd"]
        target = int(choose_region(now.region, now.available, *prices))
    there = now.available[target]
    memory["ticks_up"] = memory.get("ticks_up", 0) + there
    run = memory.get("run", 0)  # ticks that the availability has been as it is where spot would be started
    memory["run"] = run = max(run, 0) + 1 if there else min(run, 0) - 1
    seen = (memory["ticks_up"] + PRIOR * PRIOR_TICKS) / max(now.tick + 1 + PRIOR_TICKS, 1e-9)
    ahead = now.done - expected_progress(now.tick, config["work"], config["deadline"], seen)
    left = config["work"] - now.done
    mode = int(choose_mode(now.mode, ahead, left, max(run, 0), max(-run, 0), config["overhead"]))
    return mode, target if mode == SPOT else now.region


class Policy:
    """The task's interface. Any other method may stand here."""

    def __init__(self, config: dict) -> None:
        self.guarded = Guarded(config)

    def step(self, tick: int, done: int, mode: int, region: int, pending: int, available: list) -> tuple:
        """Mode and region at the start of every tick."""
        return self.guarded.step(tick, done, mode, region, pending, available)


# EVOLVE-BLOCK-END


class Guarded:
    """What `decide` wants, where it can be had."""

    def __init__(self, config: dict) -> None:
        self.config = config
        self.memory = {}

    def step(self, tick: int, done: int, mode: int, region: int, pending: int, available: list) -> tuple:
        """What `decide` wants, as far as it can be had."""
        wanted, target = decide(Now(tick, done, mode, region, pending, available), self.config, self.memory)
        wanted, target = int(wanted), int(target)
        if wanted == SPOT and not available[target]:
            wanted = IDLE
        return wanted, target
