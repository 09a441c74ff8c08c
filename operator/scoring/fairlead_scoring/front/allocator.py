"""The C library's allocator: large blocks go back to the kernel as soon as they are freed.

Left alone, glibc keeps blocks of up to 32 MB once it has seen one of that size, and a front that
has passed on some large bodies stays large for ever.
"""

import ctypes

M_MMAP_THRESHOLD = -3  # malloc.h
LARGE_BLOCK_BYTES = 512 * 1024  # above what is received at a time: only bodies are larger


def return_large_blocks() -> None:
    """Set a fixed limit from which on a block is mapped alone. Other C libraries have none."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES)
