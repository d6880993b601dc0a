"""Tasks that balance load by learning: losses and routing rules of mixtures of experts."""
