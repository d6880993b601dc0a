"""Attacks tried with layers left out, so that the corpus is known to fail where the sandbox does.

Only attacks that harm nothing outside their own folder and process: the layer that would stop them is off.
"""

from __future__ import annotations

from collections.abc import Mapping

from evaluators.sandbox.client import Sandbox
from tests.hostile.corpus import run, scene
from tests.hostile.headers import ATTACKS, read_attack

LAYER_SETS: Mapping[str, tuple[str, ...]] = {  # name -> what is left out
    "all layers": (),
    "without Landlock": ("landlock",),
    "without seccomp": ("seccomp",),
    "rlimits only": ("landlock", "seccomp"),
}
HARMLESS = (
    *("b02_subprocess", "b03_thread", "b04_exec", "b05_raw_clone", "b06_raw_clone3", "b10_posix_spawn"),
    *("e03_large_file", "f01_reads_secret", "f06_reads_evaluator_source", "f07_lists_folders", "f08_deletes"),
    *("f10_symlink", "f11_hard_link", "f12_renames", "f19_changes_modes", "f20_reads_what_nobody_uses"),
    *("f22_reads_extended_attributes", "k11_imports_the_harness", "k31_notes_in_the_page_cache"),
    *("g01_tcp", "g02_udp", "g03_unix_socket", "g04_io_uring", "g08_netlink"),
    *("h05_traces_parent", "h06_reads_memory_of_parent", "h07_raises_limits", "h08_sets_affinity"),
    *("h09_new_session", "h10_unshares", "h14_new_filter", "h18_kills_itself_by_timer"),
    *("h19_watches_the_clocks_of_others", "k32_talks_through_locks", "k34_talks_through_futexes"),
    "c10_takes_kernel_memory",
)
# What must succeed again, whatever the kernel and the user are.
RETURNING: Mapping[str, tuple[str, ...]] = {
    "without Landlock": ("f01_reads_secret", "f06_reads_evaluator_source", "f07_lists_folders"),
    "without seccomp": ("b03_thread", "b05_raw_clone", "g02_udp", "h08_sets_affinity", "h18_kills_itself_by_timer"),
    "rlimits only": ("f01_reads_secret", "f08_deletes", "b03_thread", "g02_udp"),
}


def succeeding(disabled: tuple[str, ...]) -> tuple[str, list[str]]:
    """The layers that are left, and the harmless attacks that get through them."""
    sources = {path.stem: path for path in ATTACKS}
    won = []
    with Sandbox.start(["numpy"], allow_unsafe=True, disabled=disabled) as sandbox:
        for name in HARMLESS:
            attack = read_attack(sources[name])
            with scene() as context:
                if run(sandbox, attack.source, context).succeeded:
                    won.append(name)
        return sandbox.layers, won
