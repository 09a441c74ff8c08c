"""Tests, and the cluster they run on."""
