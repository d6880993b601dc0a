"""Expert replication: keep a mixture of experts balanced while its load drifts."""
