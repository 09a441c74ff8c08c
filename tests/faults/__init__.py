"""Faults, injected between the operator and the API server, and what must hold all the same."""
