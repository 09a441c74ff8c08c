"""Reconciling: observe, decide, apply."""
