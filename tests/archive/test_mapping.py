from __future__ import annotations

from dataclasses import replace

from archive.evaluation_mapping import MAX_PICTURE_CHARS, storable
from archive.mapping import key_digest
from evaluators.contract import Picture
from tests.archive.samples import a_candidate, a_key, an_evaluation


def test_key_digest_tells_every_field() -> None:
    key = a_key(a_candidate().id, an_evaluation())
    fields = ("candidate_id", "task_identity", "tier", "split", "seeds", "environment_class", "planner_clock")
    digests = {key_digest(replace(key, **{name: "other"})) for name in fields} | {key_digest(key)}
    assert len(digests) == len(fields) + 1


def test_pictures_beyond_the_cap_are_left_out() -> None:
    small = Picture(name="small", chart="line", columns=("x",), rows=((1.0,),))
    large = Picture(name="large", chart="line", columns=("x",), rows=((0.123456789,),) * (MAX_PICTURE_CHARS // 10))
    evaluation = replace(an_evaluation(), pictures=(small, large))
    assert storable(evaluation).pictures == (small,)
