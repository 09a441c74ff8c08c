"""The platforms that images can be asked for: those that the scoring runtime is there for."""

from enum import StrEnum


class TargetPlatform(StrEnum):
    """An operating system and a processor."""

    AMD64 = "linux/amd64"
    ARM64 = "linux/arm64"

    @property
    def architecture(self) -> str:
        """As nodes are labelled with it."""
        return self.value.partition("/")[2]
