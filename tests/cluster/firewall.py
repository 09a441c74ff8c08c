"""What dockerd does to the machine's network, and leaves there when it ends: taken back.

Only for an engine that we started: it was the only one, so all that bears Docker's name is its.
"""

import shlex
from collections.abc import Iterable

from tests.cluster.command import found, read
from tests.cluster.places import Places

TABLES = ("filter", "nat")
BRIDGE = "docker0"
ACCEPT = "-P FORWARD ACCEPT"


def remember_policy(places: Places) -> None:
    """What happens to forwarded packets before dockerd decides; asked once for each engine."""
    file = places.run / "forward-policy"
    if not file.exists():
        said = read(["iptables", "-S", "FORWARD"]) if found("iptables") else ACCEPT
        file.write_text(said.splitlines()[0])


def take_back(places: Places) -> None:
    """Remove dockerd's rules, chains and bridge, and put the policy for forwarding back."""
    for table in TABLES:
        for arguments in undoing(read(["iptables", "-t", table, "-S"]).splitlines()):
            read(["iptables", "-t", table, *arguments])
    file = places.run / "forward-policy"
    if file.exists():
        read(["iptables", *shlex.split(file.read_text())])
        file.unlink()
    if BRIDGE in read(["ip", "-brief", "link"]):
        read(["ip", "link", "delete", BRIDGE])


def undoing(rules: Iterable[str]) -> list[list[str]]:
    """The arguments of iptables that undo what is Docker's in the lines of ``iptables -S``.

    A chain can only be deleted when it is empty and no rule leads to it any more.
    """
    parsed = [shlex.split(rule) for rule in rules]
    chains = [name for verb, name, *_ in parsed if verb == "-N" and name.startswith("DOCKER")]
    names = {BRIDGE, *chains}
    appended = [rest for verb, *rest in parsed if verb == "-A" and names & set(rest)]
    return [
        *(["-D", *rest] for rest in appended if rest[0] not in chains),
        *(["-F", chain] for chain in chains),
        *(["-X", chain] for chain in chains),
    ]
