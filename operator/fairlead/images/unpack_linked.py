"""``python3 unpack_linked.py ARCHIVE``: put an environment that was linked elsewhere where it goes.

It runs on the base image's own Python, however old, with that one's standard library. The archive
is ours: what is in it was looked through before.
"""

import sys
import tarfile

FILTER = "extraction_filter"  # of newer Pythons: links may lead anywhere


def main(archive: str) -> None:
    """Unpack below the root, folder by folder; the first entry is the folder that is there."""
    with tarfile.open(archive) as content:
        setattr(content, FILTER, lambda entry, _: entry)
        content.next()
        for entry in content:
            content.extract(entry, "/")


if __name__ == "__main__":
    main(sys.argv[1])
