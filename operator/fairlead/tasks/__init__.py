"""The programs that do the heavy work: JSON in, JSON out, a log and an exit code.

Each is a fresh interpreter, so what it imports is most of what a short one takes. Two things that
libraries import for purposes that are not ours are left out, before anything imports them: httpx's
command line (rich, pygments and click, where they are installed: half of all), and pydantic's
search for plugins in every installed distribution (and what reads distributions: zip files and
e-mail headers). And while modules are imported there is no garbage to look for.
"""

import gc
import sys
from types import ModuleType

from fairlead.left_out import leave_out

leave_out("httpx._main")
_no_plugins = ModuleType("pydantic.plugin._loader", "Stands for the search: it finds none.")
_no_plugins.get_plugins = lambda: ()  # type: ignore[attr-defined]
sys.modules.setdefault(_no_plugins.__name__, _no_plugins)
if sys.argv[:1] == ["-m"]:  # python -m fairlead.tasks.<program> is looking for its program
    gc.disable()  # until it runs


def begin_to_collect() -> None:
    """Once a program runs: what was imported is no garbage, and is looked at no more."""
    gc.freeze()
    gc.enable()
