"""What lies in the image's model folder."""

from pathlib import Path
from typing import Dict, List


def inventory(models_dir: Path) -> Dict[str, List[int]]:
    """Return each model's versions, in order; what is not laid out like a model is left out."""
    found = {}
    for model in _folders(models_dir):
        numbers = sorted(
            int(version.name) for version in _folders(model) if version.name.isdecimal()
        )
        if numbers:
            found[model.name] = numbers
    return found


def _folders(parent: Path) -> List[Path]:
    try:
        return sorted(entry for entry in parent.iterdir() if entry.is_dir())
    except OSError:  # not there, or not ours to read: then it holds no model for us
        return []
