"""Decisions: evidence to status, actions and wanted tasks. Pure, so tests need no cluster."""
