"""Another user for the corpus: an interpreter that every user may read, and the corpus run with it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from evaluators.jsonable import from_json
from evaluators.sandbox.launch import CHOICE
from tests.hostile.corpus import Survey

NOBODY = 65534
ROOT = Path(__file__).parents[2]
_LEFT_OUT = ("test", "idlelib", "tkinter", "turtledemo", "ensurepip", "site-packages", "dist-packages", "config-*")


def readable_by_others(path: Path) -> bool:
    """Whether every folder on the way may be passed, and the end be read."""
    path = path.resolve()
    return path.stat().st_mode & 0o4 != 0 and all(folder.stat().st_mode & 0o1 for folder in path.parents)


def readable_python(folder: Path) -> Path:
    """This interpreter where others may read it, else a copy of it below `folder`, with this one's packages."""
    if readable_by_others(Path(sys.executable)):
        return Path(sys.executable)
    library = Path(sysconfig.get_path("stdlib"))
    version = library.name
    copy = folder / "lib" / version
    shutil.copytree(library, copy, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    for shared in library.parent.glob("libpython*.so*"):
        shutil.copy(shared, folder / "lib")
    packages = "\n".join(path for path in sys.path if "site-packages" in path)
    for name in ("site-packages", "dist-packages"):  # the second is Debian's name
        (copy / name).mkdir()
        (copy / name / "packages.pth").write_text(packages, encoding="utf-8")
    (folder / "bin").mkdir()
    return Path(shutil.copy(Path(sys.executable).resolve(), folder / "bin" / version))


def survey_as(
    uid: int | None, python: Path, disabled: tuple[str, ...], cache: Path, launcher: str = "native"
) -> Survey:
    """The corpus in a process of its own, as user `uid` where one is given.

    Raises:
        RuntimeError: The process failed.
    """
    command = [str(python), "-B", "-m", "tests.hostile.survey", *disabled]
    environment = {"PATH": os.environ.get("PATH", ""), "XDG_CACHE_HOME": str(cache), "HOME": "/nonexistent"}
    environment[CHOICE] = launcher
    groups: list[int] | None = [] if uid is not None else None
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        user=uid,
        group=uid,
        extra_groups=groups,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the corpus did not run: {done.stderr[-2000:]}")
    found: Survey = from_json(Survey, json.loads(done.stdout))
    return found
