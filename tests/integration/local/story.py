"""A day of a local service, wherever it runs: each part leaves what the next begins with."""

import json

from tests.integration.local.shell import FAILED, RAISES, Client, Shell


def whole_day(shell: Shell, deploy: str) -> None:
    most_of_a_day(shell, deploy)
    comes_back(shell)
    shell.fairlead("local delete credit")
    assert "There is no local web service '" in shell.fairlead("local run credit {}", code=4).stderr


def most_of_a_day(shell: Shell, deploy: str) -> None:
    deployed = json.loads(shell.fairlead(f"local deploy credit {deploy} -o json").stdout)
    serves(shell)
    reloads_without_a_dropped_request(shell, deployed["scoringUri"])
    fails_as_in_the_cluster(shell)


def serves(shell: Shell) -> None:
    answer = json.loads(shell.fairlead("local run credit", "[1, 2]").stdout)
    assert answer == {"answer": ["hello", 1, [1, 2]]}
    described = json.loads(shell.fairlead("local describe -o json").stdout)
    assert (described["state"], described["models"]) == ("Healthy", ["greeting.txt:1"])
    assert "Healthy" in shell.fairlead("local ls").stdout


def reloads_without_a_dropped_request(shell: Shell, uri: str) -> None:
    client = Client(uri)
    client.start()
    try:
        shell.change("VERSION = 1", "VERSION = 2")
        shell.fairlead("local reload")
        assert '"hello", 2' in shell.fairlead("local run", "{}").stdout
        shell.change("    global greeting", f"    global greeting\n{RAISES}")
        failed = shell.fairlead("local reload credit", code=1).stderr
    finally:
        client.end()
    assert f"{FAILED}. What was loaded before serves on." in " ".join(failed.split()), failed
    assert client.failures == []
    assert sorted(set(client.answers)) == [1, 2]


def fails_as_in_the_cluster(shell: Shell) -> None:
    failed = " ".join(shell.fairlead("local update credit", code=1).stderr.split())
    assert FAILED in failed
    assert "Remedy: Correct the code in score.py:8 in the source of" in failed
    assert "UserScriptInitFailed" in shell.fairlead("local describe").stdout
    assert "no such column" in shell.fairlead("local logs").stdout
    assert "good-bye" in shell.fairlead("local logs --previous").stdout
    assert "UserScriptInitFailed" in shell.fairlead("local run", "{}", code=1).stderr


def comes_back(shell: Shell) -> None:
    shell.change(RAISES, "")
    assert "it was started" in shell.fairlead("local reload").stdout
    assert '"hello", 2' in shell.fairlead("local run", "{}").stdout
    failed = shell.fairlead("local run", "no json", code=1).stderr
    assert "ScoringFailed: The service answered 500" in failed
