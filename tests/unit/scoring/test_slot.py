"""The slot from within: frames, the watch over a slow start."""

import platform
import socket
import threading
from pathlib import Path

import pytest

from fairlead_scoring.slot.failure_report import folder_tree
from fairlead_scoring.slot.startup_progress import reported
from fairlead_scoring.slot.wire import Channel, frame_start


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


def test_frames_that_arrive_together_or_in_pieces_are_told_apart() -> None:
    ours, theirs = socket.socketpair()
    received = Channel(theirs)
    frames = [({"seq": number}, b"x" * size) for number, size in enumerate((0, 1, 70_000, 3))]
    sent = b"".join(frame_start(head, len(body)) + body for head, body in frames)
    ours.sendall(sent[:20])
    sender = threading.Thread(target=ours.sendall, args=(sent[20:],))
    sender.start()
    assert [received.receive() for _ in frames] == frames
    sender.join()


def test_a_closed_pipe_is_the_end(channels: tuple[Channel, Channel]) -> None:
    ours, theirs = channels
    ours.close()
    with pytest.raises(EOFError):
        theirs.receive()


def test_a_slow_start_is_reported_with_its_place(channels: tuple[Channel, Channel]) -> None:
    ours, theirs = channels
    here = Path(__file__)
    with reported(ours, "init", here.parent, interval_s=0.001):
        frames = [theirs.receive()[0] for _ in range(3)]
    python = platform.python_version()
    assert frames[0] == {"type": "stage", "stage": "init", "python": python}
    for frame in frames[1:]:
        assert (frame["type"], frame["stage"]) == ("progress", "init")
        assert frame["seconds"] > 0
        assert frame["location"]["file"] == here.name
        assert frame["location"]["function"].endswith(("with_its_place", "<listcomp>"))


def test_the_tree_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "m" / "1" / "folder").mkdir(parents=True)
    (tmp_path / "m" / "1" / "a.pkl").touch()
    assert list(folder_tree(tmp_path / "m")) == ["m/", "    1/", "        a.pkl", "        folder/"]
