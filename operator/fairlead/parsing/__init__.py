"""Processes in which users' files are read: what one costs, none of the others pays."""
