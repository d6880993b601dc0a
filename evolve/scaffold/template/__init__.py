"""The task my_task."""
