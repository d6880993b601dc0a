"""Packing problems: constructions in the open, where search methods are compared with published curves."""
