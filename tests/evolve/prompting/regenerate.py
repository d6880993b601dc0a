"""Write the golden files anew: ``python -m tests.evolve.prompting.regenerate``, then read the difference."""

from __future__ import annotations

from tests.evolve.prompting.briefs import GOLDEN, golden_texts


def main() -> None:
    texts = golden_texts()
    for stale in GOLDEN.glob("*.txt"):
        if stale.name not in texts:
            stale.unlink()
    for name, text in texts.items():
        (GOLDEN / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
