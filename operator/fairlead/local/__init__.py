"""Local web services: what a pod would serve, on this machine, from the same files."""
