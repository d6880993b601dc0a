"""Runs whose programs come from a person or a coding agent: one `ask` or `tell` at a time."""
