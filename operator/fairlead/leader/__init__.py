"""One operator at a time: the Lease, and who holds it."""
