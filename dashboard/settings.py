"""What the server was started with, handed over in its environment: an archive's URL may hold a password."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dashboard.facts import TaskFacts, facts_from_json

ARCHIVE_VARIABLE = "EVENKEEL_ARCHIVE"
TASKS_VARIABLE = "EVENKEEL_DASHBOARD_TASKS"
DEFAULT_ARCHIVE = "sqlite:///evenkeel.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One archive, and what is known of the tasks in it."""

    archive: str
    tasks: Mapping[str, TaskFacts] = field(default_factory=dict)

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Settings:
        """The settings in the variables of `environment`."""
        return cls(
            archive=environment.get(ARCHIVE_VARIABLE, DEFAULT_ARCHIVE),
            tasks=facts_from_json(environment.get(TASKS_VARIABLE, "")),
        )
