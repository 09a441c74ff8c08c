"""Deployment configurations: v1's knobs of a service, and what they become in the cluster."""
