"""The scoring runtime inside every image: a front that speaks HTTP, and slots that run user code.

The two are processes that share nothing but a pipe. ``front`` brings its own pinned packages and
never imports user code; ``slot`` is standard library only and runs beside the user's packages.
"""

__version__ = "0.1.0"
