"""Images: their layout, hashes, layers and assembly, and the Dockerfile of an environment."""
