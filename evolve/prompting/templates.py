"""The text files beside this module, filled strictly: no placeholder is left over, none is left out."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from string import Template

from evolve.prompting.brief import PromptError


def filled(name: str, /, **values: str) -> str:
    """The template `name` with every ``$placeholder`` replaced; what the values contain is not looked at.

    Raises:
        PromptError: There is no such template, or its placeholders are not exactly the names of `values`.
    """
    template = _template(name)
    wanted, given = set(template.get_identifiers()), set(values)
    if not template.is_valid() or wanted != given:
        raise PromptError(
            f"template {name}.md has placeholders {_listed(wanted)}, but {_listed(given)} were given; a plain dollar "
            "sign is written $$"
        )
    return template.substitute(values).strip("\n")


@cache
def _template(name: str) -> Template:
    try:
        return Template(files("evolve.prompting").joinpath("prompts", f"{name}.md").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise PromptError(f"there is no prompt template {name}.md") from error


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "none"
