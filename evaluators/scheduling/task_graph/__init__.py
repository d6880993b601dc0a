"""The task `task_graph`: a graph of dependent tasks on processors that differ, and transfers between them."""
