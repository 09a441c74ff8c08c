"""Whether this operator is alive: probes, the echo that proves it, and its metrics."""
