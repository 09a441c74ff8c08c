"""The slot from within: frames, the watch over a slow start, how old Python may be."""

import ast
import socket
import sys
import threading
from pathlib import Path

import pytest

import fairlead_scoring.slot
from fairlead_scoring.slot.tree import walk
from fairlead_scoring.slot.watch import watched
from fairlead_scoring.slot.wire import Channel

SLOT = Path(fairlead_scoring.slot.__file__).parent
SOURCES = sorted(SLOT.rglob("*.py"))
OLDEST = (3, 8)


@pytest.fixture
def channels() -> tuple[Channel, Channel]:
    ours, theirs = socket.socketpair()
    return Channel(ours), Channel(theirs)


def test_frames_arrive_as_they_were_sent(channels: tuple[Channel, Channel]) -> None:
    ours, theirs = channels
    small, large = ({"type": "a", "é": [1, None]}, b""), ({"type": "b"}, b"\x00" * 2_000_000)
    ours.send(*small)
    assert theirs.receive() == small
    sender = threading.Thread(target=ours.send, args=large)  # more than the pipe holds
    sender.start()
    assert theirs.receive() == large
    sender.join()


def test_a_closed_pipe_is_the_end(channels: tuple[Channel, Channel]) -> None:
    ours, theirs = channels
    ours.close()
    with pytest.raises(EOFError):
        theirs.receive()


def test_a_slow_start_is_reported_with_its_place(channels: tuple[Channel, Channel]) -> None:
    ours, theirs = channels
    here = Path(__file__)
    with watched(ours, "init", here.parent, interval=0.001):
        frames = [theirs.receive()[0] for _ in range(3)]
    assert frames[0] == {"type": "stage", "stage": "init"}
    for frame in frames[1:]:
        assert (frame["type"], frame["stage"]) == ("progress", "init")
        assert frame["seconds"] > 0
        assert frame["location"]["file"] == here.name
        assert frame["location"]["function"].endswith(("with_its_place", "<listcomp>"))


def test_the_tree_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "m" / "1" / "folder").mkdir(parents=True)
    (tmp_path / "m" / "1" / "a.pkl").touch()
    assert list(walk(tmp_path / "m")) == ["m/", "    1/", "        a.pkl", "        folder/"]


@pytest.mark.parametrize("path", SOURCES, ids=[str(path.relative_to(SLOT)) for path in SOURCES])
def test_the_oldest_python_can_read_it_and_has_what_it_imports(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=OLDEST)
    found = imports(tree)
    assert {name.partition(".")[0] for name in found} <= sys.stdlib_module_names
    only_a_docstring = len(tree.body) == 1
    assert only_a_docstring or "__future__.annotations" in found, "it would evaluate annotations"


def imports(tree: ast.AST) -> set[str]:
    """What is imported absolutely."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found
