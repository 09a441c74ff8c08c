"""The programs that do the heavy work: JSON in, JSON out, a log and an exit code."""
