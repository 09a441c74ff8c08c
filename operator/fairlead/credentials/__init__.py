"""What the operator shows to the Kubernetes API: loaded, and loaded again before it expires."""
