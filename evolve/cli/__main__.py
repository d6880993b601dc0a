"""``python -m evolve.cli`` is `evolve`."""

from evolve.cli import main

main()
