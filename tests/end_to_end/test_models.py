"""Language models and outside answers, as a user meets them: the stand-in server, run files, `ask` and `tell`."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from archive.records import Attempt, ModelReply
from archive.store import Archive
from evolve.config import build_config
from evolve.llm.model import ModelSpec
from evolve.models import may_run_out
from evolve.patch import ReplyForm, apply_reply
from tests.end_to_end.commands import JsonObject, evolve, evolve_json
from tests.fake_openai import FakeModel, fake_openai

ARCHIVE = ("--archive", "sqlite:///archive.db")
QUICK = ("--final-tier", "quick", "--finalists", "1", "--workers", "1")
BUDGET_USD = 0.02
DIFF = """CHANGE: all hints count

<<<<<<< SEARCH
    estimate = hints[0]
=======
    estimate = np.median(hints)
>>>>>>> REPLACE
"""
NO_MATCH = "CHANGE: x\n\n<<<<<<< SEARCH\n    estimate = hint[0]\n=======\n    estimate = 0\n>>>>>>> REPLACE\n"


def run_file(url: str) -> str:
    """Two models at one server; a run that repeats exactly, and that its budget in USD may end."""
    models = "\n".join(
        f'[[models]]\nname = "{name}"\nbase_url = "{url}"\nmax_tokens = 500\nprice = {{prompt = 1.0, reply = 2.0}}\n'
        for name in ("good", "bad")
    )
    return f'seed = 3\nattempts = 12\nusd = {BUDGET_USD}\norder = "index"\nplanner_clock = "modelled"\n{models}'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def run(folder: Path) -> Iterator[JsonObject]:
    """What a run with both models printed at its end; the server goes on answering."""
    with fake_openai(FakeModel(name="good"), FakeModel(name="bad", quality=0.3)) as server:
        (folder / "run.toml").write_text(run_file(server.url))
        yield evolve_json(folder, "run", "toy", "--config", "run.toml", *QUICK, *ARCHIVE)


def content(url: str, run_id: str) -> tuple[list[Attempt], list[ModelReply]]:
    """A run's attempts without their clock, and its model calls."""
    with Archive.open(url, create=False) as archive:
        attempts = archive.attempts(run_id)
        calls = [row for attempt in attempts for row in archive.replies(run_id, attempt.index)]
    return [replace(a, run_id="", asked_at="", told_at="") for a in attempts], [replace(c, run_id="") for c in calls]


def test_every_call_is_kept_with_tokens_and_price_within_the_budget(folder: Path, run: JsonObject) -> None:
    attempts, calls = content(f"sqlite:///{folder}/archive.db", str(run["run"]))
    assert len(attempts) == 12
    assert {call.model for call in calls} == {"good", "bad"}
    answered = [call for call in calls if call.finish_reason == "stop"]
    assert answered
    assert all(call.prompt_tokens > 0 and call.reply_tokens > 0 and call.price_usd for call in answered)
    assert run["usd"] == pytest.approx(sum(call.price_usd or 0.0 for call in calls))
    assert 0 < float(str(run["usd"])) <= BUDGET_USD


def test_an_exported_run_is_replayed_elsewhere_without_its_server(
    folder: Path, run: JsonObject, tmp_path: Path
) -> None:
    exported = evolve_json(folder, "export", str(run["run"]), "--replies", *ARCHIVE)
    assert isinstance(exported["files"], list)
    (path,) = exported["files"]
    again = evolve_json(
        tmp_path, "run", "toy", "--proposer", "recorded", "--replies", str(folder / path), *QUICK, *ARCHIVE
    )
    here = content(f"sqlite:///{folder}/archive.db", str(run["run"]))
    assert content(f"sqlite:///{tmp_path}/archive.db", str(again["run"])) == here


@pytest.fixture(scope="module")
def judged(folder: Path) -> tuple[JsonObject, int]:
    """What a run printed whose near programs one of its models judges, and how many replies its server gave."""
    with fake_openai(FakeModel(name="good"), FakeModel(name="near"), seed=2) as server:
        model = f'base_url = "{server.url}"\nmax_tokens = 500\nprice = {{prompt = 1.0, reply = 2.0}}\n'
        text = (
            'seed = 5\nattempts = 12\nusd = 1.0\norder = "index"\nplanner_clock = "modelled"\n'
            f'near_duplicates = "judge"\nnear_cosine = 0.9\njudge = "good"\n[[models]]\nname = "good"\n{model}'
            f'[embedding]\nname = "near"\nbase_url = "{server.url}"\n'
        )
        (folder / "judged.toml").write_text(text)
        printed = evolve_json(folder, "run", "toy", "--config", "judged.toml", *QUICK, *ARCHIVE)
        return printed, server.requests_by_model["good"]


def test_near_programs_are_judged_by_a_model_and_every_verdict_is_paid_for(
    folder: Path, judged: tuple[JsonObject, int]
) -> None:
    printed, requests = judged
    attempts, calls = content(f"sqlite:///{folder}/archive.db", str(printed["run"]))
    verdicts = [call for call in calls if "SAME: the reason" in call.prompt]
    assert verdicts
    assert len(calls) == requests
    assert printed["usd"] == pytest.approx(sum(call.price_usd or 0.0 for call in calls))
    same = {call.attempt_index for call in verdicts if call.reply.startswith("SAME")}
    rejected = {attempt.index for attempt in attempts if "judged the same: as drawn by lot" in attempt.rejection}
    assert rejected == same
    assert all(attempt.neighbour_id for attempt in attempts if attempt.index in same)


def test_a_judged_run_is_replayed_without_its_server(folder: Path, judged: tuple[JsonObject, int]) -> None:
    run_id = str(judged[0]["run"])
    again = evolve_json(folder, "run", "toy", "--proposer", "recorded", "--from", run_id, *QUICK, *ARCHIVE)
    here = content(f"sqlite:///{folder}/archive.db", run_id)
    assert content(f"sqlite:///{folder}/archive.db", str(again["run"])) == here


def test_a_judge_without_embeddings_is_refused_and_creates_nothing(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text('near_duplicates = "judge"\n[judge]\nname = "j"\n')
    ended = evolve(tmp_path, "run", "toy", "--config", "run.toml")
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert "needs an [embedding] table" in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["run.toml"]


def test_a_judge_that_is_not_up_is_said_before_a_genetic_run(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        tables = "".join(f'[{table}]\nname = "j"\nbase_url = "{url}"\n' for table in ("judge", "embedding"))
        (tmp_path / "run.toml").write_text(f'near_duplicates = "judge"\n{tables}')
        ended = evolve(tmp_path, "run", "toy", "--config", "run.toml")
    assert ended.returncode == 1
    assert f"nobody answers for model 'j' at {url}" in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["run.toml"]


REFUSED = {
    "no key": (("--model", "gpt-4o"), "environment variable OPENAI_API_KEY is not set"),
    "no price": (("--model", "m@https://models.invalid/v1", "--usd", "1"), "needs the price of 'm'"),
    "no scheme": (("--model", "m@127.0.0.1:8000/v1"), "lacks its scheme"),
    "no model": (("--proposer", "openai"), "needs a model"),
    "no record": (("--proposer", "recorded"), "--from RUN, or --replies FILE"),
    "no such record": (("--proposer", "recorded", "--replies", "nowhere.jsonl"), "nowhere.jsonl"),
    "no use for a model": (("--proposer", "genetic", "--model", "gpt-4o"), "leave one of the two out"),
    "no money": (("--model", "gpt-4o", "--usd", "0"), "usd"),
}


@pytest.mark.parametrize(("words", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_paid_or_asked_is_one_sentence_and_creates_nothing(
    tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    key = "" if "gpt-4o" in words else "a-key-that-is-never-sent"
    ended = evolve(tmp_path, "run", "toy", *words, env={"OPENAI_API_KEY": key, "OPENAI_BASE_URL": ""})
    assert (ended.returncode, ended.stdout) == (1, "")
    assert message in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_up_is_said_at_once(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: whoever connects is refused
        port = taken.getsockname()[1]
        ended = evolve(tmp_path, "run", "toy", "--model", f"m@http://127.0.0.1:{port}/v1")
    assert ended.returncode == 1
    assert f"nobody answers for model 'm' at http://127.0.0.1:{port}/v1" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_a_free_server_does_not_know_is_refused_before_anything_is_created(tmp_path: Path) -> None:
    with fake_openai(FakeModel(name="good")) as server:
        ended = evolve(tmp_path, "run", "toy", "--model", f"goood@{server.url}")
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert f"{server.url} does not list a model 'goood'; did you mean 'good'?" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_address_without_its_v1_is_refused_before_anything_is_created(tmp_path: Path) -> None:
    with fake_openai(FakeModel(name="good")) as server:
        short = server.url.removesuffix("/v1")
        ended = evolve(tmp_path, "run", "toy", "--model", f"good@{short}")
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert f"{short} lists no models, but {server.url} does" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_run_in_which_nothing_ran_says_why(tmp_path: Path) -> None:
    with fake_openai(FakeModel(name="good", text="I would rather not.")) as server:
        words = ("--model", f"good@{server.url}", "--attempts", "1", "--tokens", "20000")
        ended = evolve(tmp_path, "run", "toy", *words, *QUICK)
        assert ended.returncode == 3, ended.stderr
        assert "no proposed program ran; attempt 0, the last rejected: no program: " in ended.stderr
        tight = evolve(tmp_path, "run", "toy", *words[:-1], "3000", *QUICK)
    assert "3000 leave room for none; raise the budget, or lower `max_tokens`" in tight.stderr


def test_a_budget_that_ends_nothing_leaves_the_usual_number_of_attempts() -> None:
    paid, free = ModelSpec(name="gpt-5-mini"), ModelSpec(name="own", base_url="http://127.0.0.1:8000/v1")
    for models, budget, ends in (((), {"usd": 1}, False), ((free,), {"usd": 1}, False), ((paid,), {"usd": 1}, True)):
        proposer = "openai" if models else "genetic"
        assert may_run_out(build_config({"task": "toy", "proposer": proposer, "models": models, **budget})) is ends
    assert may_run_out(build_config({"task": "toy", "proposer": "openai", "models": (free,), "tokens": 9}))


def test_a_budget_for_models_that_nobody_asks_is_said(tmp_path: Path) -> None:
    ended = evolve(tmp_path, "run", "toy", "--usd", "3", "--attempts", "1", *QUICK)
    assert ended.returncode in (0, 3), ended.stderr
    assert "no model is asked in this run: its budget of USD or tokens limits nothing" in ended.stderr


@pytest.fixture(scope="module")
def outside(folder: Path) -> str:
    """A run that waits for answers."""
    (folder / "diffs.toml").write_text('proposer = "outside"\nseed = 1\nattempts = 2\noperators = ["diff"]\n')
    return str(evolve_json(folder, "run", "toy", "--config", "diffs.toml", *QUICK, *ARCHIVE)["run"])


def test_answers_from_outside_are_scored_here_in_any_order(folder: Path, outside: str) -> None:
    asked = [evolve_json(folder, "ask", outside, *ARCHIVE) for _ in range(2)]
    assert [one["attempt"] for one in asked] == [0, 1]
    spent = evolve(folder, "ask", outside, *ARCHIVE)
    assert (spent.returncode, "all 2 attempts" in spent.stderr) == (1, True)

    (folder / "reply.md").write_text(NO_MATCH)
    refused = evolve(folder, "tell", outside, "1", "--file", "reply.md", *ARCHIVE)
    assert (refused.returncode, "closest line" in refused.stderr, refused.stderr.count("\n")) == (1, True, 1)
    waiting = json.loads(evolve(folder, "ask", outside, "--waiting", "--json", *ARCHIVE).stdout)
    assert [one["attempt"] for one in waiting] == [0, 1]
    assert waiting[1]["messages"] == asked[1]["messages"]

    (folder / "reply.md").write_text(DIFF)
    told = evolve_json(folder, "tell", outside, "1", "--file", "reply.md", *ARCHIVE)
    assert (told["outcome"], told["attempt"]) == ("scored", 1)
    assert float(str(told["score"])) > float(str(told["parent_score"]))

    again = evolve_json(folder, "tell", outside, "0", "--file", "reply.md", *ARCHIVE)
    assert (again["outcome"], str(told["candidate"])[:10] in str(again["reason"])) == ("rejected", True)

    for attempt in ("0", "7"):
        unknown = evolve(folder, "tell", outside, attempt, "--file", "reply.md", *ARCHIVE)
        assert (unknown.returncode, "waiting are: none" in unknown.stderr) == (1, True)

    judged = evolve_json(folder, "resume", outside, *ARCHIVE)
    assert judged["outcomes"] == {"scored": 1, "rejected": 1}


def test_the_transcript_in_the_docs_begins_with_a_reply_that_still_applies() -> None:
    root = Path(__file__).parents[2]
    initial = (root / "seeds" / "expert_replication" / "initial.py").read_text()
    replies = {number: (root / "docs" / "agents" / f"reply_{number}.md").read_text() for number in (0, 2, 3)}
    sources = {number: apply_reply(initial, reply, ReplyForm.FULL).source for number, reply in replies.items()}
    last = (root / "docs" / "agents" / "reply_4.md").read_text()
    for source in (*sources.values(), apply_reply(sources[3], last, ReplyForm.DIFF).source):
        compile(source, "reply.py", "exec")


def test_a_benchmark_measures_what_advice_from_models_brings(tmp_path: Path) -> None:
    with fake_openai(FakeModel(name="good")) as server:
        model = f'[[models]]\nname = "good"\nbase_url = "{server.url}"\nmax_tokens = 500\nprice = 0\n'
        (tmp_path / "models.toml").write_text(f"racing = 0\n{model}")
        words = ("--strategies", "default,advice", "--evaluations", "30", "--repeats", "1", "--out", ".")
        done = evolve(tmp_path, "benchmark", "toy", "--config", "models.toml", *words)
        assert done.returncode == 0, done.stderr
    with Archive.open(f"sqlite:///{tmp_path}/benchmark.db", create=False) as archive:
        labels = [{attempt.operator for attempt in archive.attempts(run.id)} for run in archive.runs()]
    advised = [any("+advice" in label for label in run) for run in labels]
    assert advised == [False, True]
