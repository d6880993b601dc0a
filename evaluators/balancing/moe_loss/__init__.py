"""Evolve a load-balancing loss by training a small mixture of experts; see docs/tasks/moe_loss.md."""
