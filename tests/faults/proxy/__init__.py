"""A proxy in front of the Kubernetes API that fails on purpose, and records what it was asked."""
