"""Model packing: which language models share which GPU, so that the tightest KV cache has the most room."""
