"""The programs that do the heavy work: JSON in, JSON out, a log and an exit code.

Each is a fresh interpreter, so what it imports is most of what a short one takes. Two things that
libraries import for purposes that are not ours are left out, before anything imports them: httpx's
command line (rich, pygments and click, where they are installed: half of all), and pydantic's
search for plugins in every installed distribution. And while modules are imported there is no
garbage to look for.
"""

import gc
import os
import sys
from typing import Any, cast

_modules = cast("dict[str, Any]", sys.modules)
_modules.setdefault("httpx._main", None)  # httpx knows that it may be absent
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")
if sys.argv[:1] == ["-m"]:  # python -m fairlead.tasks.<program> is looking for its program
    gc.disable()  # until it runs
