"""Job shop: which job a machine takes next, so that the last one ends early."""
