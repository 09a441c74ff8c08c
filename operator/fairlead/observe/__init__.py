"""What exists: the only reader of the cluster, one look at a time."""
