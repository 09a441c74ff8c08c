"""What pip has installed, as its last lines tell."""

from fairlead.engines.installed_log import MAX_INSTALLED, InstalledLog


class Lines:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def phase(self, name: str) -> None:
        self.lines.append(f"[{name}]")

    def write(self, text: str) -> None:
        self.lines.append(text)


def test_distributions_are_taken_down_and_everything_is_passed_on() -> None:
    behind = Lines()
    log = InstalledLog(behind)
    said = [
        "Collecting flask",
        "Installed: flask==3.0.3",
        "Installed: flask==3.0.3\nInstalled: git @ git+https://x.example/y@abc",
        "Installed: two words==1",
        "Installed: nothing",
        f"Installed: long=={'1' * 600}",
    ]
    log.phase("packages")
    for line in said:
        log.write(line)
    assert behind.lines == ["[packages]", *said]
    assert log.installed == ("flask==3.0.3", "git @ git+https://x.example/y@abc")


def test_a_list_without_end_is_bounded() -> None:
    log = InstalledLog(Lines())
    log.write("\n".join(f"Installed: p{number}==1" for number in range(MAX_INSTALLED + 10)))
    assert len(log.installed) == MAX_INSTALLED
