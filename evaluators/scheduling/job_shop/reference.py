"""A reference schedule from OR-Tools' CP-SAT, where it is installed (``evenkeel[sim]``). It is no bound.

Source of the model: the job shop example of the OR-Tools documentation; a blocking job holds its machine until its next
operation begins, so its interval reaches that far, and jobs may exchange machines at one moment.
"""

from __future__ import annotations

from importlib.util import find_spec

from evaluators.contract import ContractError
from evaluators.scheduling.job_shop.shop import Rows

NUM_WORKERS = 1
SEED = 1


def require_solver() -> None:
    """Nothing where OR-Tools is installed.

    Raises:
        ContractError: It is not; says how to install it.
    """
    if find_spec("ortools") is None:
        raise ContractError("reference_s: expected OR-Tools, found none; pip install 'evenkeel[sim]', or leave it at 0")


def reference_makespan(routes: Rows, durations: Rows, seconds: float, *, blocking: bool) -> int | None:
    """The best makespan that CP-SAT finds, or None if it finds no schedule within its deterministic time.

    Args:
        routes: ``[J][M]`` machine of each operation.
        durations: ``[J][M]`` what each takes in truth.
        seconds: Deterministic time: about as many seconds of a core, and the same result on every machine.
        blocking: Whether jobs hold their machine until the next one takes them.
    """
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    horizon = sum(map(sum, durations))
    end = model.new_int_var(0, horizon, "end")
    held: list[list[cp_model.IntervalVar]] = [[] for _ in routes[0]]
    for job, (route, work) in enumerate(zip(routes, durations, strict=True)):
        starts = [model.new_int_var(0, horizon, f"start {job} {op}") for op in range(len(route))]
        for op, (machine, duration) in enumerate(zip(route, work, strict=True)):
            name, begin = f"{job} {op}", starts[op]
            follows = starts[op + 1] if op + 1 < len(route) else end
            model.add(begin + duration <= follows)
            if blocking and op + 1 < len(route):
                stay = model.new_int_var(duration, horizon, f"stay {name}")
                held[machine].append(model.new_interval_var(begin, stay, follows, f"held {name}"))
            else:
                held[machine].append(model.new_fixed_size_interval_var(begin, duration, f"held {name}"))
    for intervals in held:
        model.add_no_overlap(intervals)
    model.minimize(end)
    solver = cp_model.CpSolver()
    solver.parameters.max_deterministic_time = seconds
    solver.parameters.num_workers = NUM_WORKERS
    solver.parameters.random_seed = SEED
    status = solver.solve(model)
    return int(solver.objective_value) if status in (cp_model.OPTIMAL, cp_model.FEASIBLE) else None
