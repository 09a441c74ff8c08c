import pytest

from benchmarks.runtime.options import read_options
from benchmarks.runtime.peers import HERE, OURS, PEERS, Peer


def test_the_defaults_are_a_whole_run() -> None:
    options = read_options([])
    assert options.peers == PEERS
    assert (options.rounds, options.seconds) == (3, 3)


def test_chosen_peers_keep_the_order_of_the_table() -> None:
    options = read_options(["--peers", "fairlead", "reference", "--rounds", "1", "--seconds", "9"])
    assert [peer.name for peer in options.peers] == ["reference", "fairlead"]
    assert (options.rounds, options.seconds) == (1, 9)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--rounds", "0"], "0 is not a whole number above 0"),
        (["--seconds", "1.5"], "1.5 is not a whole number above 0"),
        (["--peers", "torchserve"], "invalid choice: 'torchserve'"),
    ],
)
def test_what_makes_no_sense_is_refused(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        read_options(arguments)
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(
    "peer", [peer for peer in PEERS if peer.name != OURS], ids=lambda peer: peer.name
)
def test_every_package_of_a_peer_is_pinned(peer: Peer) -> None:
    pins = (HERE / "pins" / f"{peer.pins}.txt").read_text().splitlines()
    packages = [line for line in pins if not line.startswith("#")]
    assert len(packages) > 10
    assert all("==" in package for package in packages)
