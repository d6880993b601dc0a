"""Task `spot_deadline`: spot or on-demand machines, tick by tick, for a job with a deadline."""
