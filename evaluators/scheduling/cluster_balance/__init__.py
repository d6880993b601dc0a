"""The task `cluster_balance`: jobs of unknown size on machines of unknown speed, which cost money while on."""
