"""launch.json: our configuration goes in, and every other byte stays."""

import json
from pathlib import Path

import pytest

from fairlead.api.reasons import Reason
from fairlead.local.errors import LocalError
from fairlead.local.jsonc import JsoncError, parse
from fairlead.local.launch_json import Entry, entry, with_entry
from fairlead.local.workspace import local_root, workspace_of, write_configuration

OURS = entry("Fairlead: credit", 5678, "${workspaceFolder}", "/var/azureml-app")
OTHER = '{ "name": "mine", /* kept */ "args": ["//", "a,]"], }'
COMMENTED = f"""\
// Use IntelliSense
{{
\t"version": "0.2.0", // one
\t"configurations": [
\t\t{OTHER}, // two
\t],
\t/* "configurations": [] */
}}
"""


def content(text: str) -> object:
    found = parse(text)
    assert found is not None
    return found.content


def configurations(text: str) -> list[Entry]:
    whole = content(text)
    assert isinstance(whole, dict)
    found: list[Entry] = whole["configurations"]
    return found


def kept(before: str, after: str) -> bool:
    """Whether all of ``before`` is in ``after``, but for one piece that was put in."""
    more = len(after) - len(before)
    return any(after[:at] + after[at + more :] == before for at in range(len(before) + 1))


def test_it_is_the_guides_configuration() -> None:
    whole = json.loads(with_entry("", OURS))
    assert whole["configurations"] == [dict(OURS)]
    assert OURS == {
        "name": "Fairlead: credit",
        "type": "debugpy",
        "request": "attach",
        "port": 5678,
        "host": "localhost",
        "pathMappings": [{"localRoot": "${workspaceFolder}", "remoteRoot": "/var/azureml-app"}],
    }


def test_comments_commas_and_others_stay_byte_for_byte() -> None:
    after = with_entry(COMMENTED, OURS)
    assert kept(COMMENTED, after)
    assert configurations(after) == [dict(OURS), {"name": "mine", "args": ["//", "a,]"]}]
    assert '\n\t\t{\n\t\t\t"name": "Fairlead: credit"' in after


def test_our_own_is_replaced_and_again_changes_nothing() -> None:
    once = with_entry(COMMENTED, OURS)
    moved = {**OURS, "port": 5679}
    twice = with_entry(once, moved)
    assert twice == once.replace("5678", "5679")
    assert with_entry(twice, moved) == twice
    other = {**OURS, "name": "Fairlead: debit"}
    assert [one["name"] for one in configurations(with_entry(twice, other))] == [
        "Fairlead: debit",
        "Fairlead: credit",
        "mine",
    ]


@pytest.mark.parametrize(
    "before",
    [
        "{}",
        "{\n}\n",
        "\ufeff{ }",
        '{"version": "0.2.0"}',
        '{"configurations": []}',
        '{\r\n  "configurations": [\r\n  ]\r\n}\r\n',
        '{"configurations": [ // mine\n]}',
        '{"configurations": [{"type": "x"}]}',
        '{"configurations": [{"name": 1},],}',
        '{"configurations": 1, "configurations": [[], "a", null]}',
    ],
)
def test_whatever_holds_configurations_takes_ours(before: str) -> None:
    after = with_entry(before, OURS)
    assert kept(before, after)
    assert configurations(after)[0] == OURS
    assert after.count("\r\n") in (0, after.count("\n"))


@pytest.mark.parametrize("before", ["", " \n", "\ufeff", "// only words", "/* words */\n"])
def test_a_file_with_nothing_in_it_becomes_one(before: str) -> None:
    after = with_entry(before, OURS)
    assert after.startswith(before)
    assert configurations(after) == [OURS]


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("[]", "holds no object"),
        ('{"configurations": {}}', "are no list"),
        ('{"configurations": [}', "line 1: an unexpected }"),
        ('{\n"a": "b', "line 2: a text or a comment that does not end"),
        ("{ /* never ends }", "a text or a comment that does not end"),
        ("{} {}", "something after the end"),
        ('{"a": 1 "b": 2}', "a , is missing"),
        ('{"a" 1}', "a : is missing"),
        ("{1: 2}", "where a name should be"),
        ('{"a": nothing}', "nothing is no value"),
        ('{"a": "\\x"}', "is no value"),
        ('{"a":', "the end comes too early"),
        ("[" * 5000, "nested too deeply"),
        ("{", "the end comes too early"),
    ],
)
def test_what_is_broken_is_named_by_its_line(broken: str, said: str) -> None:
    with pytest.raises(JsoncError, match=said):
        with_entry(broken, OURS)


def test_the_file_is_made_with_its_folder_and_written_once(tmp_path: Path) -> None:
    path = write_configuration(tmp_path, OURS)
    assert path == tmp_path / ".vscode/launch.json"
    path.chmod(0o640)
    before = path.stat()
    write_configuration(tmp_path, OURS)
    assert path.stat() == before
    write_configuration(tmp_path, {**OURS, "port": 5679})
    assert path.stat().st_mode == before.st_mode
    assert [one.name for one in path.parent.iterdir()] == ["launch.json"]


def refused(workspace: Path) -> str:
    with pytest.raises(LocalError) as caught:
        write_configuration(workspace, OURS)
    finding = caught.value.finding
    assert finding.reason is Reason.FILE_UNREADABLE
    assert '"name": "Fairlead: credit"' in str(finding.remedy)
    return finding.message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "line 1: the end comes too early"),
        (b"\xff\xfe{}", "it is no text in UTF-8"),
        (b" " * (1024 * 1024 + 1), "more than 1 MiB"),
    ],
)
def test_a_file_that_cannot_be_read_is_left_as_it_is(
    tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / ".vscode/launch.json"
    path.parent.mkdir()
    path.write_bytes(content)
    assert said in refused(tmp_path)
    assert path.read_bytes() == content


def test_links_are_followed_within_the_workspace_alone(tmp_path: Path) -> None:
    workspace, outside = tmp_path / "w", tmp_path / "o"
    (workspace / ".vscode").mkdir(parents=True)
    outside.mkdir()
    link, own = workspace / ".vscode/launch.json", workspace / "own.json"
    link.symlink_to(outside / "launch.json")  # nothing is there yet
    assert "leads out of" in refused(workspace)
    assert list(outside.iterdir()) == []
    link.unlink()
    link.symlink_to(own)
    write_configuration(workspace, OURS)
    assert link.is_symlink()
    assert configurations(own.read_text()) == [OURS]


def test_a_folder_of_others_is_not_written_to(tmp_path: Path) -> None:
    workspace, outside = tmp_path / "w", tmp_path / "o"
    workspace.mkdir()
    outside.mkdir()
    (workspace / ".vscode").symlink_to(outside)
    assert "leads out of" in refused(workspace)
    assert list(outside.iterdir()) == []


def test_what_is_no_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".vscode/launch.json").mkdir(parents=True)
    assert "it is no file" in refused(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    (other / ".vscode").write_text("")
    assert "was left as it is" in refused(other)


def test_the_workspace_is_the_nearest_that_an_editor_knows(tmp_path: Path) -> None:
    home = tmp_path / "home"
    source = home / "project/src"
    source.mkdir(parents=True)
    (home / ".vscode").mkdir()  # the editor's own
    assert workspace_of(source, home / "project", home) == home / "project"
    assert workspace_of(source, tmp_path, home) == tmp_path
    assert workspace_of(source, home, home) == source
    assert workspace_of(source, source, home) == source
    assert workspace_of(source, home / "elsewhere", home) == source
    (home / "project/.vscode").mkdir()
    assert workspace_of(source, source, home) == home / "project"
    assert local_root(source, home / "project") == "${workspaceFolder}/src"
    assert local_root(source, source) == "${workspaceFolder}"
