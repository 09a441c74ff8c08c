"""Users' files, parsed with their line numbers; nothing of them is ever run."""
