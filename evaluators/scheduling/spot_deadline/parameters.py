"""What a user may set: the job, the prices, the regions, or a recorded availability."""

from __future__ import annotations

from evaluators.parameter_specs import file, integer, number

TICK_S = 240.0
WORK_H = 48.0
ON_DEMAND_USD_PER_H = 3.06  # p3.2xlarge (one V100), AWS list price
SPOT_FRACTION = 0.3  # 0.918 USD/h against it
USD_PER_GB = 0.02  # between AWS regions of the US

# What is not set is the suite's to choose: one set of values in search, others in validation and in the hold-out.
PARAMETERS = (
    number("work_h", WORK_H, 0.5, 1000.0, "hours of computing the job needs; 12 in the smoke tier if unset"),
    number("deadline_h", 0.0, 0.0, 4000.0, "hours until the deadline; 0: 1.08 to 1.92 times the work, by scenario"),
    number("overhead_h", 0.2, 0.0, 10.0, "hours that every start of a machine takes; unset: 0.05 and 0.2 in search"),
    number("tick_s", TICK_S, 10.0, 3600.0, "seconds between two decisions"),
    integer("regions", 1, 1, 16, "regions to choose from; unset: one and three in search, up to five elsewhere"),
    number("availability", 0.0, 0.0, 0.99, "share of time spot is there; 0: nine AWS zones, others outside search"),
    number("flips_per_day", 8.0, 0.1, 200.0, "changes between there and not there, where `availability` is set"),
    number("on_demand_usd_per_h", ON_DEMAND_USD_PER_H, 1e-3, 1e4, "price of an on-demand machine in region 0"),
    number(
        "spot_fraction",
        SPOT_FRACTION,
        0.01,
        1.0,
        "spot price over on-demand price; unset: drawn for each of several regions, unless with a trace",
    ),
    number(
        "checkpoint_gb",
        50.0,
        0.0,
        1e5,
        "what moves between regions; unset: 100 in validation and 200 in the hold-out, unless with a trace",
    ),
    number("usd_per_gb", USD_PER_GB, 0.0, 10.0, "price of moving it"),
    file("trace", 'recorded availability: {"zones": {NAME: [{"state": "up" | "down", "seconds": S}, ...]}}'),
)
