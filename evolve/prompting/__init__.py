"""What models are told: prompts as text files, filled by pure functions from the task and the archive's figures."""

from evolve.prompting.brief import Failure, PromptBrief, PromptError, Shown
from evolve.prompting.build import build, build_repair

__all__ = ["Failure", "PromptBrief", "PromptError", "Shown", "build", "build_repair"]
