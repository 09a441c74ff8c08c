"""The profile of an image: its own service under load in its own container, measured."""
