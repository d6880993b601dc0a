"""`evolve verify`: an archived score, made again."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from evolve.cli.options import DEFAULT_ARCHIVE, AllowUnsafe, ArchiveUrl, Json
from evolve.cli.printing import difference, interval, print_json, print_table, print_text, score

if TYPE_CHECKING:
    from evolve.cli.verifying import Check, Fresh

EXIT_REFUTED = 1


def verify(
    candidate_id: Annotated[
        str, typer.Argument(metavar="ID", help="a candidate: its id, the first letters of it, or its name in a ranking")
    ],
    everything: Annotated[
        bool, typer.Option("--all", help="every evaluation, not only the newest of each tier and split")
    ] = False,
    replay_only: Annotated[bool, typer.Option("--replay-only", help="leave out fresh delays and fresh seeds")] = False,
    seed: Annotated[list[int] | None, typer.Option(help="the N of an earlier `evolve evaluate --seed N`")] = None,
    fresh_seed: Annotated[int | None, typer.Option(help="of the fresh seeds (default: from the system)")] = None,
    kernels: Annotated[
        bool, typer.Option("--kernels", help="instead: time its placements, and others', on this machine's GPU")
    ] = False,
    archive: ArchiveUrl = DEFAULT_ARCHIVE,
    allow_unsafe: AllowUnsafe = False,
    as_json: Json = False,
) -> None:
    """Play a program's archived evaluations again and demand the same scores to the last bit.

    Same seeds and stored planner delays first; then, without any demand, fresh delays and fresh seeds. Exit status 1
    if a row was tampered with, cannot be reproduced, or if nothing at all could be replayed.

    With --kernels the tokens that placements send to each expert go through the real grouped products: a placement of
    expert_replication, the best programs ranked with it and the baselines. It prints how well simulated and timed order
    agree. Needs a CUDA GPU.
    """
    if kernels:
        from evolve.cli.replaying import replay, replayable

        words = [*(["--allow-unsafe"] if allow_unsafe else []), *(["--json"] if as_json else [])]
        sys.exit(replay(replayable(archive, candidate_id), words))
    from evolve.cli.verifying import Wish
    from evolve.cli.verifying import verify as verified

    wish = Wish(
        everything=everything,
        replay_only=replay_only,
        seeds=tuple(seed or ()),
        fresh_seed=fresh_seed,
        allow_unsafe=allow_unsafe,
    )
    candidate, checks = verified(archive, candidate_id, wish)
    sentence = _sentence(candidate.id, checks)
    if as_json:
        evaluations = [_json(check) for check in checks]
        print_json({"id": candidate.id, "verified": _holds(checks), "evaluations": evaluations, "verdict": sentence})
    else:
        _print(checks)
        print_text(sentence)
    if not _holds(checks):
        sys.exit(EXIT_REFUTED)


def _holds(checks: Sequence[Check]) -> bool:
    """Whether something was reproduced and nothing refuted."""
    reproduced = any(check.status == "reproduced" for check in checks)
    return reproduced and not any(check.status.is_refuted for check in checks)


def _sentence(candidate_id: str, checks: Sequence[Check]) -> str:
    if not checks:
        return f"candidate {candidate_id[:10]} has no archived evaluation, so there is nothing to verify"
    counts = Counter(str(check.status) for check in checks)
    parts = [f"{counts.pop('reproduced', 0)} of {len(checks)} evaluations reproduced bit for bit"]
    return f"candidate {candidate_id[:10]}: {', '.join(parts + [f'{n} {status}' for status, n in counts.items()])}"


def _print(checks: Sequence[Check]) -> None:
    columns = ["row", "task", "tier", "split", "score", "status", "fresh delays", "fresh seeds", "difference, 95 %"]
    print_table(columns, [_cells(check) for check in checks])
    for check in checks:
        if check.detail:
            print_text(check.detail)


def _cells(check: Check) -> list[str]:
    made, seeds = check.stored.evaluation, check.fresh_seeds
    return [
        str(check.stored.id),
        made.task,
        made.tier,
        made.split,
        score(made.objective),
        check.status,
        _delays(check.fresh_delays),
        score(seeds.score) if seeds else "-",
        _difference(seeds),
    ]


def _difference(seeds: Fresh | None) -> str:
    """The difference on fresh seeds, with its interval where there are enough instances for one."""
    if seeds is None or seeds.difference is None:
        return "-"
    if seeds.low is None or seeds.high is None:
        return difference(seeds.difference)
    return f"{difference(seeds.difference)} {interval(seeds.low, seeds.high)}"


def _delays(fresh: Fresh | None) -> str:
    if fresh is None or fresh.planner_s is None or fresh.archived_planner_s is None:
        return "-"
    return f"{score(fresh.score)} ({1e3 * fresh.archived_planner_s:.1f} -> {1e3 * fresh.planner_s:.1f} ms)"


def _json(check: Check) -> dict[str, object]:
    made = check.stored.evaluation
    return {
        "row": check.stored.id,
        "task": made.task,
        "task_identity": made.task_identity,
        "tier": made.tier,
        "split": made.split,
        "seeds": made.seeds,
        "score": made.objective,
        "status": check.status,
        "detail": check.detail,
        "fresh_delays": check.fresh_delays,
        "fresh_seeds": check.fresh_seeds,
    }
