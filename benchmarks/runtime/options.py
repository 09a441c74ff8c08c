"""What can be chosen on the command line; the defaults are a whole run."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.runtime.peers import PEERS, Peer


@dataclass(frozen=True)
class Options:
    """``seconds``: of each load, in each of the ``rounds``."""

    peers: tuple[Peer, ...]
    rounds: int
    seconds: int


def read_options(arguments: Sequence[str]) -> Options:
    """Leaves the program with a message when they make no sense."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.runtime",
        description="The scoring runtime against its peers. Without options: `make bench-runtime`.",
    )
    names = [peer.name for peer in PEERS]
    parser.add_argument(
        "--peers", nargs="+", choices=names, default=names, metavar="NAME", help=", ".join(names)
    )
    parser.add_argument("--rounds", type=_positive, default=3, help="default: 3")
    parser.add_argument("--seconds", type=_positive, default=3, help="of each load; default: 3")
    chosen = parser.parse_args(arguments)
    peers = tuple(peer for peer in PEERS if peer.name in chosen.peers)
    return Options(peers, chosen.rounds, chosen.seconds)


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text} is not a whole number above 0")
    return int(text)
