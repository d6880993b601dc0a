"""In which order conflicting transactions are admitted, so that the last of them ends early."""
