"""The proposer that needs no model: typed mutation and crossover of syntax trees, inside the EVOLVE-BLOCKs only."""

from evolve.genetic.propose import GeneticChild, NoChild, propose

__all__ = ["GeneticChild", "NoChild", "propose"]
