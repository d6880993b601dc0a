"""A mixture-of-experts layer in Triton, its reference, its measured costs, and the task that evolves a kernel of it.

Nothing here is imported by a machine without torch; `shapes` needs the standard library only.
"""
