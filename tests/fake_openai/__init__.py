"""A stand-in for an OpenAI-compatible server: real HTTP on loopback, scripted faults, genetic edits for answers.

``python -m tests.fake_openai --port 8399 --models good:0.9,bad:0.2 --latency 2`` and, elsewhere,
``evolve run expert_replication --proposer openai --model good@http://127.0.0.1:8399/v1``.
"""

from tests.fake_openai.faults import Fault, FaultPlan
from tests.fake_openai.server import FakeModel, FakeOpenAI, fake_openai

__all__ = ["FakeModel", "FakeOpenAI", "Fault", "FaultPlan", "fake_openai"]
