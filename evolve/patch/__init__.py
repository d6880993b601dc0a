"""A model's reply applied to the program it was shown: string work only, nothing of it is ever parsed as Python."""

from evolve.patch.apply import apply_reply
from evolve.patch.patched import Patched, PatchError, ReplyForm

__all__ = ["PatchError", "Patched", "ReplyForm", "apply_reply"]
