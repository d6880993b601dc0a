"""The contract of `expert_replication`: what a program must define, what is measured, what a user may set."""

from __future__ import annotations

from evaluators.contract import Direction, EntryPoint, Limits, MetricSpec, Task, Tier

POLICY = EntryPoint(
    name="Policy",
    signature="class Policy: __init__(self, config: dict); plan(self, loads, samples, placement, window) -> dict",
    description="See README.md.",
)

TASK = Task(
    name="expert_replication",
    family="placement",
    summary="Re-plan which experts are copied and on which GPU each copy sits, while the load drifts.",
    entry_points=(POLICY,),
    metrics=(
        MetricSpec(name="score", unit="1", direction=Direction.MAXIMIZE, description="0 static, 1 the proven bound"),
    ),
    objective="score",
    bound=1.0,
    weak_baseline="static",
    limits={
        Tier.SMOKE: Limits(wall_s=10.0, cpu_s=5.0, call_wall_s=5.0),
        Tier.QUICK: Limits(wall_s=30.0, cpu_s=10.0, call_wall_s=10.0),
        Tier.FULL: Limits(wall_s=120.0, cpu_s=60.0, call_wall_s=20.0),
        Tier.REPORT: Limits(wall_s=600.0, cpu_s=300.0, call_wall_s=30.0),
    },
    libraries=("numpy", "scipy"),
    charges_time=True,
    modelled_delay_s=0.0,
)
