"""Replicas in turn, first come first served, chunks of 512 tokens: the weak baseline, which scores 0.

Source: what a load balancer does that knows nothing (DNS rotation, Kubernetes services); batches as Sarathi-Serve's.
"""

PREFILLS, DECODES = 0, 1


class Policy:
    """The n-th request goes to the n-th replica that is up."""

    def __init__(self, config):
        self.turn = 0

    def options(self):
        """What is wanted of the engine: its own batches."""
        return {}

    def arrive(self, now, request, replicas):
        """The next replica, and first come first served."""
        turn = self.turn
        self.turn += 1
        return {
            "route": in_turn(replicas[PREFILLS], turn),
            "decode_route": in_turn(replicas[DECODES], turn),
            "key": request[5],
        }


def in_turn(able, turn):
    """0 for the replica whose turn it is among those that are able, 1 for the others."""
    candidates = [i for i, yes in enumerate(able) if yes]
    return [0.0 if i == candidates[turn % len(candidates)] else 1.0 for i in range(len(able))]
