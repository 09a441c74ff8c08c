"""The line as its users go it, on a real cluster."""
