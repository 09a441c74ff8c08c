"""Logs of tasks over HTTP: while they run, and ever after."""
