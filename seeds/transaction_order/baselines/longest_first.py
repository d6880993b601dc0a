"""The longest transactions first, the older ones among equals.

Source: the list scheduling rule LPT, Graham, SIAM J. Appl. Math. 17 (1969).
"""

import numpy as np


class Policy:
    """The task's interface."""

    def __init__(self, config: dict) -> None:
        pass

    def order(self, batch: dict) -> np.ndarray:
        """Rows by falling length."""
        return np.argsort(-batch["lengths"], kind="stable")
