"""The corpus: the same bytes everywhere, domains that differ, mixes as named, and a user's own folders."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from evaluators.balancing.moe_loss.corpus import TRAINING, VALIDATION, MadeText, Mix, draw, mix_weights, read_folder
from evaluators.balancing.moe_loss.domains import DOMAINS, domain_text
from evaluators.balancing.moe_loss.stream import Stream
from evaluators.balancing.moe_loss.task import PROBLEM
from evaluators.contract import ContractError

MADE = MadeText()


def test_the_corpus_is_the_same_bytes_on_every_machine() -> None:
    digests = {
        part: hashlib.sha256(draw(MADE, Mix.UNIFORM, 7, part, 200, 64).text_NS.tobytes()).hexdigest()[:16]
        for part in (TRAINING, VALIDATION)
    }
    assert digests == {TRAINING: "62f723fa345e28d0", VALIDATION: "0a3475989ccea872"}


def test_another_seed_makes_another_corpus() -> None:
    one, other = (draw(MADE, Mix.UNIFORM, seed, TRAINING, 20, 64).text_NS for seed in (1, 2))
    assert not np.array_equal(one, other)


def test_training_and_validation_share_words_but_no_text() -> None:
    words = [set(domain_text("language2", 5, part, 4000).split()[1:-1]) for part in (TRAINING, VALIDATION)]
    assert len(words[0] & words[1]) > 0.7 * len(words[0])
    lines = [domain_text("language2", 5, part, 4000) for part in (TRAINING, VALIDATION)]
    assert lines[0][:80] not in lines[1]


def test_languages_share_their_letters_but_hardly_a_word() -> None:
    texts = [domain_text(f"language{i}", 3, TRAINING, 20_000) for i in range(6)]
    letters = [set(text) for text in texts]
    assert all(found == letters[0] for found in letters)
    words = [{w for w in text.split()[1:-1] if len(w) > 4} for text in texts]
    assert len(words[0] & words[1]) < 0.1 * len(words[0])


def test_the_formal_domains_keep_their_grammar() -> None:
    for equation in domain_text("arithmetic", 1, TRAINING, 2000).decode().split(";")[:-1]:
        left, _, right = equation.partition("=")
        assert eval(left) == int(right)
    for line in domain_text("records", 1, TRAINING, 2000).decode().splitlines()[:-1]:
        assert set(json.loads(line)) >= {"id", "size", "state"}
    open_brackets = []
    for bracket in domain_text("brackets", 1, TRAINING, 2000).decode():
        if bracket in "([{<":
            open_brackets.append(bracket)
        else:
            assert open_brackets.pop() + bracket in ("()", "[]", "{}", "<>")
    code = domain_text("code", 1, TRAINING, 4000).decode().splitlines()
    for line, following in pairwise(code[:-1]):
        if line.endswith(":"):
            assert len(following) - len(following.lstrip()) == len(line) - len(line.lstrip()) + 4


@pytest.mark.parametrize(("mix", "expected"), [(Mix.UNIFORM, 0.1), (Mix.SKEWED, 0.5), (Mix.FORMAL, 1 / 6)])
def test_mixes_weigh_the_first_domain(mix: Mix, expected: float) -> None:
    labels = draw(MADE, mix, 4, TRAINING, 2000, 4).domain_N
    assert np.mean(labels == 0) == pytest.approx(expected, abs=0.04)
    assert sum(weight > 0 for weight in mix_weights(mix, len(DOMAINS))) == len(set(labels.tolist()))


def test_a_mix_leaves_no_domain_out_where_there_are_few() -> None:
    assert mix_weights(Mix.FORMAL, 3) == (1, 1, 1)


def test_stream_integers_are_even_and_in_range() -> None:
    stream = Stream((1, 2))
    counts = Counter(stream.below(10) for _ in range(20_000))
    assert set(counts) == set(range(10))
    assert max(counts.values()) < 1.1 * min(counts.values())
    assert sorted(stream.permutation(50)) == list(range(50))


def write_corpus(path: Path, sizes: dict[str, int]) -> None:
    for domain, size in sizes.items():
        (path / domain).mkdir(parents=True)
        (path / domain / "a.txt").write_bytes(f"{domain} and caf\u00e9. ".encode() * (size // 8))


def test_a_users_folders_are_domains_and_parts_do_not_overlap(tmp_path: Path) -> None:
    write_corpus(tmp_path, {"notes": 40_000, "code": 40_000})
    (tmp_path / "notes" / "b.txt").write_text("only here " * 4000)
    source = read_folder(tmp_path)
    assert source.domains == ("code", "notes")
    found = draw(source, Mix.UNIFORM, 3, VALIDATION, 40, 32)
    assert found.text_NS.max() < 128
    assert {source.domains[i] for i in found.domain_N} == {"code", "notes"}
    for i, text in zip(found.domain_N, found.text_NS, strict=True):
        assert bytes(text[:8]) in source.text(source.domains[i], 3, VALIDATION, 80_000)
    assert b"code" not in source.text("notes", 3, TRAINING, 200_000)
    assert b"only here" not in source.text("notes", 3, TRAINING, 20) or b"notes" in dict(source.contents)["notes"]


def test_a_users_corpus_is_part_of_the_tasks_identity(tmp_path: Path) -> None:
    write_corpus(tmp_path, {"notes": 40_000, "code": 40_000})
    first = PROBLEM.configured({"corpus": str(tmp_path)}).task
    assert first.identity == PROBLEM.configured(first.parameters).task.identity != PROBLEM.task.identity
    (tmp_path / "notes" / "b.txt").write_text("more")
    assert PROBLEM.configured({"corpus": str(tmp_path)}).task.identity != first.identity
    with pytest.raises(ContractError, match="has changed"):
        PROBLEM.configured(first.parameters)
    with pytest.raises(ContractError, match="corpus: cannot read"):
        PROBLEM.configured({"corpus": str(tmp_path / "nowhere")})


def test_a_corpus_that_cannot_serve_is_refused(tmp_path: Path) -> None:
    write_corpus(tmp_path, {"one": 40_000})
    with pytest.raises(ContractError, match="at least two folders"):
        read_folder(tmp_path)
    write_corpus(tmp_path, {"two": 100})
    with pytest.raises(ContractError, match="domain two needs 20480 bytes of text"):
        read_folder(tmp_path)
