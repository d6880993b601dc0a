"""Language models as the harness sees them: one seam, and what stands behind it."""
