"""`evolve export`: a program to take away, and its evaluation card."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evolve.cli.options import DEFAULT_ARCHIVE, ArchiveUrl, Json
from evolve.cli.printing import print_json, print_text

if TYPE_CHECKING:
    from archive.records import StoredEvaluation
    from archive.store import Archive
    from evaluators.contract import ParameterValue
    from evolve.export import Card


def export(
    candidate_id: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="a candidate: its id, the first letters of it, or its name in a ranking; with --replies a run",
        ),
    ],
    replies: Annotated[
        bool, typer.Option("--replies", help="write the model calls of a run, to be replayed anywhere at no cost")
    ] = False,
    out: Annotated[Path, typer.Option(metavar="DIR", help="where the files go")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="replace files that are there")] = False,
    archive: ArchiveUrl = DEFAULT_ARCHIVE,
    as_json: Json = False,
) -> None:
    """Write a program without markers, and its card: task, seeds, intervals, environment, commit, lineage.

    Three files: ID.py, ID.md for people and ID.json for programs. With --replies: RUN.replies.jsonl, for
    `evolve run TASK --proposer recorded --replies FILE`.
    """
    if replies:
        _export_replies(archive, candidate_id, out, force=force, as_json=as_json)
        return
    from archive.store import Archive
    from evaluators import jsonable
    from evolve.export import card_text, standalone

    with Archive.open(archive, create=False, read_only=True) as opened:
        candidate = opened.candidate(candidate_id)
        card = _card(opened, candidate.id)
    name = candidate.id[:10]
    files = {
        out / f"{name}.py": standalone(candidate),
        out / f"{name}.md": card_text(card),
        out / f"{name}.json": jsonable.dumps(card) + "\n",
    }
    _write(files, replace=force)
    if as_json:
        print_json({"files": [str(path) for path in files], "card": card})
        return
    for path in files:
        print_text(str(path))


def _export_replies(url: str, run_id: str, out: Path, *, force: bool, as_json: bool) -> None:
    from archive.store import Archive
    from evolve.llm.recording import record_run, recording_text
    from evolve.repetition import config_of, repeats_exactly

    with Archive.open(url, create=False, read_only=True) as opened:
        run = opened.run(run_id)
        recording = record_run(opened, run)
    path = out / f"{run.id}.replies.jsonl"
    _write({path: recording_text(recording)}, replace=force)
    if not repeats_exactly(config_of(recording)):
        sys.stderr.write(
            "a replay will ask the same questions in another order: only runs with --order index and "
            "--planner-clock modelled end in the same archive\n"
        )
    if as_json:
        print_json({"files": [str(path)], "attempts": recording.num_attempts})
    else:
        print_text(str(path))


def _card(archive: Archive, candidate_id: str) -> Card:
    from evolve.cli.show import lineage_of
    from evolve.export import card_of
    from evolve.version import software_version

    evaluations = archive.evaluations(candidate_id)
    lineage = lineage_of(archive, candidate_id)
    known = {row.run_id for row in evaluations} | {attempt.run_id for attempt in lineage}
    return card_of(
        archive.candidate(candidate_id),
        lineage,
        evaluations,
        [run for run in archive.runs() if run.id in known],
        _parameters(archive, evaluations),
        software_version(),
    )


def _parameters(archive: Archive, evaluations: list[StoredEvaluation]) -> dict[str, dict[str, ParameterValue]]:
    """The task parameters of each task identity, as far as they can be known: old archives lack some."""
    from evaluators import registry
    from evaluators.contract import ContractError

    found = {run.task_identity: dict(run.parameters) for run in archive.runs()}
    for made in (row.evaluation for row in evaluations):
        if made.parameters is not None:
            found[made.task_identity] = dict(made.parameters)
    for task in {row.evaluation.task for row in evaluations}:
        try:
            default = registry.problem(task).task
        except ContractError:  # a task of a package that is not installed here
            continue
        found.setdefault(default.identity, dict(default.parameters))
    return found


def _write(files: dict[Path, str], *, replace: bool) -> None:
    """All files, or none if one is there with other content.

    Raises:
        ConfigError: One is, or the folder cannot be written.
    """
    from evolve.errors import ConfigError

    taken = [path for path, text in files.items() if path.exists() and _differs(path, text)]
    if taken and not replace:
        raise ConfigError(
            f"{taken[0]} is there already with other content; say --force to replace it, or another --out"
        )
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode("utf-8", "surrogatepass"))
    except OSError as error:
        raise ConfigError(f"cannot write into {next(iter(files)).parent}: {error.strerror}") from error


def _differs(path: Path, text: str) -> bool:
    return not path.is_file() or path.read_bytes() != text.encode("utf-8", "surrogatepass")
