"""Pipelines and replicas of a training job on devices that differ, over links that differ."""
