"""What the `evolve` package raises at its caller; every message is one sentence for the user."""


class EvolveError(Exception):
    """Root of this package's errors."""


class ConfigError(EvolveError):
    """A run file or option that cannot be followed."""


class BackendError(EvolveError):
    """Evaluations cannot be executed here: a worker that does not start, or keeps dying."""


class RunError(EvolveError):
    """A run that cannot be started, resumed or stopped as asked."""
