"""What should exist: pure functions from a typed spec to a manifest, one kind per file."""
