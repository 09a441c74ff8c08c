"""Debugging a local service: the port, the folder of the person, who is attached."""

from pathlib import Path

import pytest

from fairlead.api.reasons import Reason
from fairlead.local import debugging
from fairlead.local.asked import Asked
from fairlead.local.debugging import DebuggerWatch, configuration, write_launch_json
from fairlead.local.errors import LocalError
from fairlead.local.origins import origins, source_folder
from fairlead.local.ports import choose_debug_port
from fairlead.local.service import Mode
from fairlead.local.variables import NO_DEBUGGER, debugger_of
from tests.unit.local.services import Told, service

FILES = {"score.py": b"x = 1\n", "lib/a.py": b"a\n", "myenv.yml": b"name: e\n"}


def written(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def test_the_port_is_the_first_that_nobody_has() -> None:
    assert choose_debug_port([], lambda _: True) == 5678
    assert choose_debug_port([5678], lambda port: port != 5679) == 5680
    with pytest.raises(LocalError, match="5678 to 5777 are all taken") as caught:
        choose_debug_port([], lambda _: False)
    assert caught.value.finding.reason is Reason.PORT_TAKEN


def test_a_service_is_told_where_and_how_long() -> None:
    asked = Asked(entry_script="/a/score.py", debug=True, debug_wait_s=2.5)
    told = debugger_of(service(debug_port=5679, asked=asked), "127.0.0.1", 5679)
    assert told == {
        "FAIRLEAD_DEBUG_HOST": "127.0.0.1",
        "FAIRLEAD_DEBUG_PORT": "5679",
        "FAIRLEAD_DEBUG_WAIT_SECONDS": "2.5",
        "FAIRLEAD_MAX_CONCURRENT_REQUESTS": "1",
    }
    assert debugger_of(service(), "127.0.0.1", 5679) == NO_DEBUGGER


def test_plain_files_lie_where_the_command_names_them(tmp_path: Path) -> None:
    asked = Asked(entry_script=f"{tmp_path}/score.py", conda_file="/elsewhere/myenv.yml")
    assert origins(asked, FILES) == {
        "score.py": tmp_path / "score.py",
        "myenv.yml": Path("/elsewhere/myenv.yml"),
    }
    whole = asked.model_copy(update={"source_directory": str(tmp_path)})
    assert origins(whole, FILES)["lib/a.py"] == tmp_path / "lib/a.py"
    assert source_folder(whole, "score.py", {}) == tmp_path
    assert source_folder(asked, "score.py", origins(asked, FILES)) == tmp_path


def test_files_of_manifests_are_found_beside_them(tmp_path: Path) -> None:
    """As a kustomization has them: of the same name and content."""
    written(tmp_path, {"src/score.py": FILES["score.py"], "old/score.py": b"other\n"})
    (tmp_path / "src/lib").symlink_to(tmp_path)  # no way out, and no loop
    asked = Asked(kustomization=str(tmp_path))
    known = origins(asked, FILES)
    assert known == {"score.py": tmp_path / "src/score.py"}
    assert source_folder(asked, "score.py", known) == tmp_path / "src"
    of_file = Asked(manifests=(str(tmp_path / "all.yaml"), str(tmp_path)))
    assert source_folder(of_file, "inline.py", {}) == tmp_path


def test_the_configuration_maps_the_persons_folder_to_the_services(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, {"src/score.py": b""})
    monkeypatch.chdir(tmp_path)
    asked = Asked(entry_script=f"{tmp_path}/src/score.py", debug=True)
    one = service(debug_port=5680, asked=asked)
    workspace, wanted = configuration(one, Path("/state/credit"), {"score.py": b""})
    assert workspace == tmp_path
    assert (wanted["name"], wanted["port"]) == ("Fairlead: credit", 5680)
    assert wanted["pathMappings"] == [
        {"localRoot": "${workspaceFolder}/src", "remoteRoot": "/state/credit/app"}
    ]
    _, wanted = configuration(service(mode=Mode.CONTAINER, asked=asked), Path("/s"), {})
    assert "'/var/azureml-app'" in str(wanted["pathMappings"])


def test_a_launch_json_that_is_broken_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(written(tmp_path, {".vscode/launch.json": b"{", "score.py": b""}))
    one, told = service(debug_port=5678, asked=Asked(entry_script=f"{tmp_path}/score.py")), Told()
    assert write_launch_json(one, tmp_path, {"score.py": b""}, told) is None
    assert told.lines[0].startswith(f"Warning: {tmp_path}/.vscode/launch.json was left as it is")
    (tmp_path / ".vscode/launch.json").unlink()
    assert write_launch_json(one, tmp_path, {"score.py": b""}, told) == str(
        tmp_path / ".vscode/launch.json"
    )


def test_that_one_is_attached_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([False, True, True])
    monkeypatch.setattr(debugging, "is_debugger_attached", lambda _: next(answers))
    told = Told()
    watch = DebuggerWatch(service(debug_port=5678), told)
    assert [watch(), watch(), watch()] == [False, True, True]
    assert told.phases == ["attached"]
    assert not DebuggerWatch(service(), told)()  # nobody is asked
