"""A small archive with something of everything that the dashboard shows, hostile text included."""

from __future__ import annotations

from dataclasses import replace

from archive.mapping import MAX_SOURCE_CHARS
from archive.records import (
    Attempt,
    AttemptState,
    BanditRow,
    Candidate,
    Founder,
    FounderRole,
    Note,
    NoteKind,
    Run,
    RunStatus,
)
from archive.store import Archive
from evaluators.contract import Evaluation, InstanceResult, Outcome, Picture, Split, Tier
from tests.archive import samples
from tests.archive.samples import NOW, RUN_ID, a_key, an_attempt, an_evaluation, an_instance

HOSTILE = (
    "<script>document.title = 'taken'</script><img src=x onerror=\"document.title='taken'\">\n"
    "\x1b]0;taken\x07\x1b[31m red \x1b[0m\n"
    "\u202e reversed \u2066 isolated \u200b zero width \x00 nul \ud800 surrogate\n"
    "[link](javascript:alert(1)) **bold** $x^2$ :material/home: `code`\n"
)
LONG_LINE = "x = '" + "a" * 1_000_000 + "'\n"
NUM_ATTEMPTS = 30
PICTURES = (
    Picture(name="load", chart="bar", columns=("gpu", "before", "after"), rows=((0.0, 1.5, 1.0), (1.0, 0.5, 1.0))),
    Picture(name="drift", chart="line", columns=("step", "load"), rows=tuple((float(i), i * 0.5) for i in range(9))),
    Picture(name="heat", chart="heatmap", columns=("gpu", "layer", "load"), rows=((0.0, 0.0, 1.0), (1.0, 0.0, 2.0))),
    Picture(name="plan", chart="gantt", columns=("gpu", "start", "end", "job"), rows=((0.0, 0.0, 2.0, 1.0),)),
    Picture(name="odd", chart="pie", columns=("a",), rows=((1.0,),)),
)
CONFIG = (
    '{"attempts": 50, "islands": 2, "migration_every": 10, "proposer": "openai", "sampler": "weighted", "usd": 2.0}'
)


def program(number: int) -> Candidate:
    return Candidate.of(f"def place(loads):\n    return {number}  # EVOLVE\n")


HOSTILE_PROGRAM = Candidate.of(HOSTILE + LONG_LINE)
assert len(HOSTILE_PROGRAM.source) <= MAX_SOURCE_CHARS


def seed_archive(archive: Archive, *, num_attempts: int = NUM_ATTEMPTS) -> None:
    """A finished run of models, with failures, duplicates and hold-out scores; and a run that was killed at once."""
    _begin(archive, replace(samples.a_run(), config=CONFIG, status=RunStatus.FINISHED))
    for index in range(num_attempts):
        _attempt(archive, index)
    _remarks(archive)
    _begin(archive, samples.a_run("killed99", secret="t" * 32, created_at="2026-05-02T12:00:00+00:00"))


def score(number: int) -> float:
    return 0.4 + 0.01 * (number % 20)


def evaluation(objective: float, tier: Tier, split: Split = Split.SEARCH) -> Evaluation:
    made = an_evaluation(objective, tier=tier, split=split)
    metrics = {"balance": objective / 2, "moves": 10.0 - 4.0 * objective}
    return replace(made, metrics=metrics, pictures=PICTURES if tier is Tier.FULL else ())


def _begin(archive: Archive, run: Run) -> None:
    archive.add_run(run)
    roles = [FounderRole.INITIAL, FounderRole.BASELINE, FounderRole.BASELINE]
    for ordinal, (role, name) in enumerate(zip(roles, ("initial", "half", "greedy"), strict=True)):
        candidate = samples.a_candidate() if ordinal == 0 else program(1000 + ordinal)
        archive.add_candidate(candidate)
        founder = Founder(run_id=run.id, ordinal=ordinal, role=role, name=name, candidate_id=candidate.id)
        archive.add_founder(founder)
        for made in _founding_evaluations(0.3 + 0.1 * ordinal):
            archive.add_evaluation(candidate.id, made, a_key(candidate.id, made), run.id)


def _founding_evaluations(objective: float) -> list[Evaluation]:
    return [evaluation(objective, Tier.QUICK), evaluation(objective - 0.05, Tier.FULL, Split.HOLDOUT)]


def _attempt(archive: Archive, index: int) -> None:
    parent = samples.a_candidate() if index < 2 else program(_parent(index))
    operator = ("diff", "crossover", "repair")[index % 3]
    attempt = replace(
        an_attempt(index),
        parent_id=parent.id,
        island=index % 2,
        operator=operator,
        proposer="some/model",
        inspiration_ids=(),
    )
    if index % 10 == 9:
        samples.reject(archive, attempt, program(0), program(0).id)
    elif index % 10 == 4:
        _failed(archive, attempt, (Outcome.CRASHED, Outcome.TAMPERED, Outcome.INFRASTRUCTURE)[index // 10 % 3])
    else:
        made = [evaluation(score(index), Tier.SMOKE), evaluation(score(index), Tier.QUICK)]
        if index in (18, 19, 28):
            made += [evaluation(score(index), Tier.QUICK, Split.VALIDATION)]
            made += [evaluation(score(index) - 0.02, Tier.FULL, Split.HOLDOUT)]
        samples.finish(archive, attempt, program(index), *made)
    reply = replace(samples.a_reply(index), prompt="Improve this.\n" + HOSTILE, reply=HOSTILE + "```python\npass\n```")
    archive.add_reply(reply)


def _parent(index: int) -> int:
    """An earlier attempt that made a program: those ending in 4 and 9 did not."""
    half = index // 2 - 1
    return half - 1 if half % 10 in (4, 9) else half


def _failed(archive: Archive, attempt: Attempt, outcome: Outcome) -> None:
    detail = "the proven bound was beaten (1 < 2)" if outcome is Outcome.INFRASTRUCTURE else HOSTILE
    instances: tuple[InstanceResult, ...] = tuple(
        replace(an_instance(i, None, outcome), detail=detail) for i in range(3)
    )
    made = replace(
        an_evaluation(tier=Tier.SMOKE),
        outcome=outcome,
        objective=None,
        instances=instances,
        feedback=HOSTILE,
        pictures=(),
    )
    candidate = HOSTILE_PROGRAM if outcome is Outcome.CRASHED else program(attempt.index)
    samples.finish(archive, replace(attempt, change="a hostile change"), candidate, made)


def _remarks(archive: Archive) -> None:
    archive.add_note(Note(kind=NoteKind.NOTE, text=HOSTILE, created_at=NOW, candidate_id=program(18).id))
    states = [
        BanditRow(
            run_id=RUN_ID,
            num_tells=tells,
            model="some/model",
            operator=operator,
            told=tells,
            pulls=tells / 3,
            reward=tells / 9,
            cost_usd=0.1,
        )
        for tells in (10, 20, 30)
        for operator in ("diff", "crossover", "repair")
    ]
    archive.add_bandit_states(states)


def in_flight(archive: Archive, index: int) -> None:
    """An attempt that is asked and no more."""
    archive.add_attempt(replace(an_attempt(index), inspiration_ids=(), state=AttemptState.ASKED))
