"""Tracebacks without our own frames, and their place in the user's files."""

import inspect
import sys
import traceback
from pathlib import Path
from traceback import FrameSummary
from types import FrameType, TracebackType
from typing import Any, Callable, Dict, Iterable, List, Optional

from .redaction import clean_line

PACKAGE_FOLDER = Path(__file__).resolve().parent
MAX_TEXT_CHARS = 200  # of a file's or function's name, of a line of code
MAX_STACK_FRAMES = 50
Location = Dict[str, Any]


def user_frames(tb: Optional[TracebackType]) -> Optional[TracebackType]:
    """Return the traceback without the leading frames of this package and of Python's import."""
    while tb and _is_ours(tb.tb_frame.f_code.co_filename):
        tb = tb.tb_next
    return tb


def formatted(error: BaseException) -> str:
    lines = traceback.format_exception(type(error), error, user_frames(error.__traceback__))
    return "".join(lines).rstrip("\n")


def stack(frame: Optional[FrameType]) -> str:
    """Return where ``frame`` is, in the form of a traceback, without our own frames and callers."""
    found = list(traceback.extract_stack(frame)) if frame else []
    first = next((i for i, one in enumerate(found) if _is_ours(one.filename)), 0)
    users = [one for one in found[first:] if not _is_ours(one.filename)]
    return "".join(traceback.format_list(users[-MAX_STACK_FRAMES:])).rstrip("\n")


def error_text(error: BaseException) -> str:
    """Return the error's message, even where its ``str()`` fails."""
    text = "".join(traceback.format_exception_only(type(error), error))
    return text.partition(f"{type(error).__qualname__}: ")[2].strip()


def location(error: BaseException, app_root: Path) -> Optional[Location]:
    """Return the innermost place in the user's files, or None where there is none."""
    if isinstance(error, SyntaxError) and _is_users(error.filename or "", app_root):
        code = (error.text or "").strip()
        return _location(
            FrameSummary(str(error.filename), error.lineno or 1, "<module>", line=code), app_root
        )
    return innermost(traceback.extract_tb(user_frames(error.__traceback__)), app_root)


def definition(function: Callable[..., object], app_root: Path) -> Optional[Location]:
    """Return where the function is defined, or None if that is not in the user's files."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        return None
    return innermost([FrameSummary(code.co_filename, code.co_firstlineno, code.co_name)], app_root)


def innermost(frames: Iterable[FrameSummary], app_root: Path) -> Optional[Location]:
    """``frames`` from the outermost to the innermost."""
    users = [frame for frame in frames if _is_users(frame.filename, app_root)]
    return _location(users[-1], app_root) if users else None


def short_frames(error: BaseException, app_root: Path, at_most: int = 8) -> List[str]:
    """Return ``score.py:12 init`` for the innermost frames, in the order of a traceback."""
    frames = traceback.extract_tb(user_frames(error.__traceback__))[-at_most:]
    return [
        f"{printable(_short(frame.filename, app_root))}:{frame.lineno} {printable(frame.name)}"
        for frame in frames
    ]


def printable(text: str) -> str:
    """Return ``text`` in one line without control characters or secrets, cut at its end."""
    line = clean_line(text)
    return line if len(line) <= MAX_TEXT_CHARS else line[: MAX_TEXT_CHARS - 1] + "…"


def _location(frame: FrameSummary, app_root: Path) -> Location:
    return {
        "file": printable(_short(frame.filename, app_root)),
        "line": frame.lineno,
        "function": printable(frame.name),
        "code": printable(frame.line or ""),
    }


def _short(filename: str, app_root: Path) -> str:
    """The path below the app root, or below the entry of ``sys.path`` that it was found in."""
    path = Path(filename)
    roots = sorted(map(Path, sys.path), key=lambda root: len(root.parts), reverse=True)
    found = next((root for root in (app_root, *roots) if root in path.parents), None)
    return str(path.relative_to(found) if found else path)


def _is_users(filename: str, app_root: Path) -> bool:
    path = Path(filename)
    return app_root in path.parents and "site-packages" not in path.parts


def _is_ours(filename: str) -> bool:
    return filename.startswith("<frozen importlib") or Path(filename).parent == PACKAGE_FOLDER
