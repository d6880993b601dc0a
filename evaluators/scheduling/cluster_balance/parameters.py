"""What a user may set."""

from __future__ import annotations

from evaluators.parameter_specs import file, integer, number

UNSET = -1.0

# What is not set is the suite's to choose: some values in search and validation, others in the hold-out.
PARAMETERS = (
    integer("machines", 0, 0, 64, "machines of the fleet; 0: by scenario, 6 to 16"),
    number("load", 0.0, 0.0, 0.9, "work that arrives, of what the fleet can do (its tighter resource); 0: by scenario"),
    number("spread", UNSET, UNSET, 1.5, "log-scale spread of the machines' speeds; -1: by scenario"),
    number("price", UNSET, UNSET, 100.0, "cost of a tick of a machine of 16 cores, in weighted ticks; -1: by scenario"),
    integer("boot", -1, -1, 100, "ticks until a machine that is switched on is ready; -1: by scenario"),
    integer("move", -1, -1, 100, "ticks without progress when a job is started again or elsewhere; -1: by scenario"),
    file(
        "trace",
        "jobs of your own: CSV with the columns arrival_s,cpu,memory,seconds,weight and perhaps group; "
        "a tick is tick_s seconds, a machine has 16 cores and 64 GB or half of both",
    ),
    number("tick_s", 10.0, 0.1, 3600.0, "seconds of a tick; counts with a trace only"),
)
