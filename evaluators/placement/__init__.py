"""Placement problems: which expert, layer or model lives on which device."""
