"""The reference server and ours, asked the same: every difference in what a client sees is a bug.

Those that are meant are in ``DIFFERENT``, each with its reason and with what we answer instead.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.scoring.side_by_side import (
    plain_groups,
    public_groups,
    raw_groups,
    schema_groups,
    service_groups,
)
from tests.integration.scoring.side_by_side.cases import Case, Group
from tests.integration.scoring.side_by_side.differences import DIFFERENT, told
from tests.integration.scoring.side_by_side.servers import Ours, Program, Server

SCRIPTS = Path(__file__).parent / "scripts"
GROUPS: dict[str, Group] = {
    **plain_groups.GROUPS,
    **service_groups.GROUPS,
    **raw_groups.GROUPS,
    **schema_groups.GROUPS,
    **public_groups.GROUPS,
}
CASES = [(name, case) for name, group in GROUPS.items() for case in group.cases]


@dataclass(frozen=True)
class Trio:
    """The reference server, ours in the same environment, and ours where nothing is installed."""

    reference: Server
    ours: Server
    bare: Server | None


@pytest.fixture(scope="module")
def trio(
    request: pytest.FixtureRequest,
    reference: Program,
    ours: Program,
    runtime: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Trio]:
    group = GROUPS[request.param]
    bare = {"bare": Ours(Path(sys.executable), runtime)} if group.bare else {}
    programs: dict[str, Program] = {"reference": reference, "ours": ours, **bare}
    started: dict[str, Server] = {}
    try:
        for name, program in programs.items():
            folder = laid_out(tmp_path_factory.mktemp(name), group)
            started[name] = Server(program, folder, group.environment)
        for server in started.values():
            server.until_up()
        yield Trio(started["reference"], started["ours"], started.get("bare"))
    finally:
        for server in started.values():
            server.end()


def laid_out(folder: Path, group: Group) -> Path:
    files = {"score.py": (SCRIPTS / f"{group.script}.py").read_text(), **group.files}
    for name, content in files.items():
        path = folder / "app" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


@pytest.mark.parametrize(
    ("trio", "case"),
    [pytest.param(name, case, id=f"{name}: {case.name}") for name, case in CASES],
    indirect=["trio"],
    scope="module",
)
def test_both_servers_answer_alike(trio: Trio, request: pytest.FixtureRequest, case: Case) -> None:
    expected = trio.reference.ask(case.bytes)
    name = request.node.callspec.id
    for ours in filter(None, (trio.ours, trio.bare)):
        found = ours.ask(case.bytes)
        if name in DIFFERENT:
            assert told(found) == DIFFERENT[name].ours, DIFFERENT[name].reason
            assert expected != found, "no difference any more: take it off the list"
        else:
            assert found == expected


def test_the_list_of_differences_names_cases_that_exist() -> None:
    assert set(DIFFERENT) <= {f"{name}: {case.name}" for name, case in CASES}


def test_no_case_is_there_twice() -> None:
    names = [(name, case.name) for name, case in CASES]
    assert len(set(names)) == len(names) >= 300
