"""Circles in the unit square, sum of radii as large as possible."""
