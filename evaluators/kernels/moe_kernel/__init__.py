"""The task `moe_kernel`: one stage of a mixture-of-experts layer as a Triton program."""
