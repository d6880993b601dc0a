# expect: timed_out
# attack: computes its tables while it is loaded; the CPU time counts
# limits: cpu
import numpy as np

while True:
    TABLE = np.sort(np.arange(100_000.0)[::-1])
