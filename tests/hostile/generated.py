"""Hostile sources that cannot be Python files in a repository: unreadable, unparsable or giant."""

from __future__ import annotations

ENTRY = "def attack(context, inputs):\n    return 0.0\n"
UNREADABLE = {
    "d08_syntax_error": "def attack(context, inputs:\n    return 0.0\n",
    "d09_nested_parentheses": f"def attack(context, inputs):\n    return {'(' * 500}0.0{')' * 500}\n",
    "d10_unary_operators": f"def attack(context, inputs):\n    return {'-' * 200_000}0.0\n",
    "d11_nul_byte": ENTRY + "\0",
    "d13_not_utf8": ENTRY + "# \udcff\n",
    "d14_ten_megabytes": ENTRY + "#" * (10 << 20),
    "d15_homoglyph_entry_point": ENTRY.replace("attack", "\u0430ttack"),
}
