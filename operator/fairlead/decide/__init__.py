"""The mind of the operator: what is, against what should be. Pure, so tests need no cluster."""
