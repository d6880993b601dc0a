"""The task `llm_serving`: schedule requests on a fleet of language-model replicas."""
