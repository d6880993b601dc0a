"""A run from its rows: begun or restored, driven, validated and judged."""
