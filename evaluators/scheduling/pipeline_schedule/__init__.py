"""In which order the devices of a training pipeline run their passes, so that the step is short and fits in memory."""
