from tests.cluster.firewall import undoing


def test_what_docker_left_is_undone_and_nothing_else() -> None:
    rules = [
        "-P FORWARD DROP",
        "-N DOCKER",
        "-N DOCKER-USER",
        "-N VPN",
        "-A FORWARD -j DOCKER-USER",
        "-A FORWARD -j VPN",
        '-A FORWARD -o docker0 -m comment --comment "two words" -j ACCEPT',
        "-A DOCKER-USER -j RETURN",
    ]
    assert undoing(rules) == [
        ["-D", "FORWARD", "-j", "DOCKER-USER"],
        [
            "-D",
            "FORWARD",
            "-o",
            "docker0",
            "-m",
            "comment",
            "--comment",
            "two words",
            "-j",
            "ACCEPT",
        ],
        ["-F", "DOCKER"],
        ["-F", "DOCKER-USER"],
        ["-X", "DOCKER"],
        ["-X", "DOCKER-USER"],
    ]


def test_a_machine_without_docker_is_left_as_it_is() -> None:
    assert undoing(["-P FORWARD ACCEPT", "-A FORWARD -j VPN"]) == []
