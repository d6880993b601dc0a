"""How a command says that something ended before it was finished."""

from __future__ import annotations

from pathlib import Path

from archive.store import Archive
from evaluators.contract import Split, Tier
from evolve.config import RunConfig
from tests.end_to_end.commands import evolve, evolve_json, evolve_rows

ARCHIVE = ("--archive", "sqlite:///archive.db")
WORSE = """CHANGE: worse

```python
# EVOLVE-BLOCK-START
def guess(hints):
    return 0.0 if hints[0] > 0.5 else 1.0


# EVOLVE-BLOCK-END
```
"""


def test_who_tells_a_program_that_is_stopped_is_told_why(tmp_path: Path) -> None:
    started = evolve(
        tmp_path, "run", "toy", "--proposer", "outside", "--attempts", "1", "--seed", "3", "--workers", "1", *ARCHIVE
    )
    assert started.returncode == 0, started.stderr
    (run,) = evolve_rows(tmp_path, "runs", *ARCHIVE)
    (tmp_path / "reply.md").write_text(WORSE)
    run_id = str(run["run"])
    assert evolve_json(tmp_path, "ask", run_id, *ARCHIVE)["attempt"] == 0
    told = evolve(tmp_path, "tell", run_id, "0", "--file", "reply.md", *ARCHIVE)
    assert "attempt 0: stopped. worse than the parent by" in told.stdout


def test_a_run_from_outside_is_judged_on_another_tier_and_its_closing_knows_no_model(tmp_path: Path) -> None:
    first = ("--proposer", "outside", "--attempts", "1", "--seed", "3", "--workers", "1")
    assert evolve(tmp_path, "run", "toy", *first, *ARCHIVE).returncode == 0
    (run,) = evolve_rows(tmp_path, "runs", *ARCHIVE)
    (tmp_path / "reply.md").write_text(WORSE)
    evolve_json(tmp_path, "ask", str(run["run"]), *ARCHIVE)
    assert evolve(tmp_path, "tell", str(run["run"]), "0", "--file", "reply.md", *ARCHIVE).returncode == 0
    judged = evolve(tmp_path, "resume", str(run["run"]), "--final-tier", "quick", *ARCHIVE)
    assert judged.returncode == 0, judged.stderr
    assert " s in this session" in judged.stdout
    assert "model calls" not in judged.stdout
    with Archive.open(f"sqlite:///{tmp_path}/archive.db", create=False) as archive:
        rows = archive.evaluations_for_run(str(run["run"]))
        assert RunConfig.model_validate_json(archive.run(str(run["run"])).config).final_tier is Tier.QUICK
    holdouts = [row.evaluation for row in rows if row.evaluation.split is Split.HOLDOUT]
    assert {one.tier for one in holdouts} == {Tier.QUICK}


def test_a_missing_key_for_embeddings_is_said_before_a_run_is_created(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text('attempts = 2\n[embedding]\nname = "text-embedding-3-small"\n')
    refused = evolve(tmp_path, "run", "toy", "--config", "run.toml", *ARCHIVE, env={"OPENAI_API_KEY": ""})
    assert refused.returncode == 1
    assert "needs a key" in refused.stderr
    assert 'base_url = "http://127.0.0.1:8000/v1" in [embedding]' in refused.stderr
    if (tmp_path / "archive.db").exists():
        with Archive.open(f"sqlite:///{tmp_path}/archive.db", create=False) as archive:
            assert archive.runs() == []
