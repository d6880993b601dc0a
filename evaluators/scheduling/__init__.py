"""Scheduling tasks, and the engines they share."""
