"""Which secret an archived evaluation's instances came from, found among those that can be known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archive.run_summaries import run_summaries
from archive.store import Archive
from evaluators.contract import Split, Task
from evaluators.seeding import SeedSource, report_secret, round_secret, secret_from_seed
from evolve.run.fresh_look import fresh_rounds

PUBLIC_SEEDS = range(1000)  # of `evolve evaluate --seed`, which are not stored


class KnownSeeds:
    """The secrets of an archive's runs, of its hold-out and reports, and those that small public seeds stand for."""

    def __init__(self, archive: Archive, task: Task, seeds: Sequence[int] = ()) -> None:
        self._archive = archive
        self._task = task
        self._seeds = (*seeds, *PUBLIC_SEEDS)
        self._found: dict[tuple[Split, str], str | None] = {}

    def secret(self, split: Split, digest: str) -> str | None:
        """The secret whose instances on `split` have this digest; None if it is not known here."""
        if (split, digest) not in self._found:
            matching = (secret for secret in self._secrets(split) if SeedSource(secret, split).digest() == digest)
            self._found[split, digest] = next(matching, None)
        return self._found[split, digest]

    def _secrets(self, split: Split) -> Iterator[str]:
        if split is Split.HOLDOUT:
            yield self._archive.holdout_secret()
        elif split is Split.REPORT:
            yield report_secret(self._task.name, self._task.revision)
        else:
            runs = [run for run in self._archive.runs() if run.task == self._task.name]
            yield from (run.secret for run in reversed(runs))
            yield from (secret_from_seed(seed) for seed in self._seeds)
            told = {run.run_id: run.told for run in run_summaries(self._archive)}
            yield from (round_secret(run.secret, n) for run in reversed(runs) for n in fresh_rounds(told[run.id]))
