"""`shell`, `edit` and `commit` of a service of the cluster: its pod's programs run here, really."""

import base64
import gzip
import io
import json
import os
import sys
import tarfile
import threading
from pathlib import Path
from typing import Any, cast

import pytest
from typer.testing import CliRunner, Result

from fairlead.api.meta import COMPONENT, OWNED_BY_WEBSERVICE, SCORING
from fairlead.cli import exit_codes
from fairlead.cli.app import app
from fairlead.local.errors import LocalError
from fairlead.local.source_archive import source_of
from fairlead.remote.client import Client
from fairlead.remote.debugging import SWITCH
from fairlead.remote.execution import Place, Session, run
from fairlead.remote.pod_commit import Folder, pending
from fairlead.remote.pod_shell import resize_beside
from fairlead.remote.pod_source import failure_of, reload_failed
from tests.unit.remote.fake_api import FakeApi
from tests.unit.remote.objects import ready
from tests.unit.remote.test_terminal import ended, in_terminal

pytestmark = pytest.mark.usefixtures("config")
OURS = "/apis/fairlead.dev/v1alpha1/namespaces/default"
MAPS = "/api/v1/namespaces/default/configmaps"
SCRIPT = "def init():\n    pass\n\n\ndef run(data):\n    return data\n"
UPPER = SCRIPT.replace("return data", "return data.upper()")
EDITOR = "sed -i -e s/return.data$/return\\ data.upper()/"
RELOADED = {"reloads": 1, "failure": None}
PLACE = Place("default", "credit-1", "scoring")


def pod(*variables: dict[str, str], state: str = "running") -> dict[str, Any]:
    labels = {OWNED_BY_WEBSERVICE: "credit", COMPONENT: SCORING}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "credit-1", "labels": labels},
        "spec": {"containers": [{"name": "scoring", "image": "r/c", "env": list(variables)}]},
        "status": {"containerStatuses": [{"name": "scoring", "state": {state: {}}}]},
    }


EDITABLE = {"name": "FAIRLEAD_DEBUG_EDITS", "value": "/tmp/fairlead-edits"}


class Pod:
    """What the pod's file system has, in a folder of this machine."""

    def __init__(self, api: FakeApi, folder: Path) -> None:
        self.api, self.root, self.edits = api, folder / "root", folder / "edits"
        (self.root / "azureml-models").mkdir(parents=True)
        (self.root / "azureml-models/m.pkl").write_text("model")
        (self.root / "score.py").write_text(SCRIPT)
        (folder / "keys").mkdir()
        (folder / "keys/primaryKey").write_text("k3y\n")
        self.api.pod_paths |= {
            "/var/azureml-app": str(self.root),
            "/var/azureml-app/azureml-models": str(self.root / "azureml-models"),
            "/tmp/fairlead-edits": str(self.edits),
        }
        self.api.pod_environ = {
            "FAIRLEAD_PORT": str(api.port),
            "FAIRLEAD_KEYS_DIR": str(folder / "keys"),
        }
        self.api.answers["POST", "/-/reload"] = (200, RELOADED)

    def source_is(self, **source: Any) -> None:
        spec = {"entryScript": "score.py", "source": source}
        self.api.ours("InferenceImage", spec=spec, status=ready())


@pytest.fixture
def served(api: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pod:
    """A service in debug mode."""
    monkeypatch.setenv("EDITOR", EDITOR)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))  # where an edit that failed is kept
    api.ours("Webservice", spec={"imageRef": {"name": "credit"}}, status=ready())
    api.put(pod(SWITCH, EDITABLE), "pods")
    made = Pod(api, tmp_path)
    made.source_is(inline={"files": {"score.py": SCRIPT}})
    return made


def said(*words: str, code: int = 0, stdin: str = "") -> str:
    done: Result = CliRunner().invoke(app, list(words), input=stdin)
    assert done.exit_code == code, done.output
    return " ".join(done.output.split())


def edit() -> None:
    said("edit", "wsvc/credit")


def test_an_edit_is_put_into_the_pod_and_loaded(served: Pod) -> None:
    told = said("edit", "wsvc/credit")
    assert "- return data + return data.upper()" in told
    assert "it is in this pod alone. Keep it: fairlead commit wsvc/credit" in told
    assert (served.edits / "score.py").read_text() == UPPER
    assert (served.edits / "azureml-models/m.pkl").read_text() == "model"
    assert (served.root / "score.py").read_text() == SCRIPT
    assert served.api.headers[-1]["Authorization"] == "Bearer k3y"
    assert "k3y" not in told
    assert "Nothing was changed." in said("edit", "wsvc/credit", "score.py")
    assert "has no file 'other.py'; it has score.py" in said(
        *("edit", "wsvc/credit", "other.py"), code=exit_codes.FAILED
    )


def test_an_edit_leaves_files_alone_that_no_folder_is_read_with(served: Pod) -> None:
    for name in (".env", "notes.bak"):
        (served.root / name).write_text("KEY=1\n")
    told = said("edit", "wsvc/credit")
    assert "KEY=1" not in told
    for name in (".env", "notes.bak"):
        assert (served.edits / name).read_text() == "KEY=1\n"


def test_a_script_that_cannot_be_loaded_is_told_by_its_line(served: Pod) -> None:
    failure = {
        "stage": "import",
        "exception": "SyntaxError",
        "message": "invalid\x1b[2J syntax",
        "location": {"file": "score.py", "line": 6},
        "traceback": "password=hunter2hunter2",
    }
    served.api.answers["POST", "/-/reload"] = (500, {"message": "no", "failure": failure})
    told = said("edit", "wsvc/credit", code=exit_codes.FAILED)
    assert "cannot be loaded at score.py:6: SyntaxError: invalid syntax" in told
    assert "What was loaded before serves on. Your edit is kept in" in told
    assert "hunter2" not in told


def test_what_has_changed_meanwhile_is_not_overwritten(
    served: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = f"import pathlib; pathlib.Path({str(served.root)!r}, 'new.py').write_text('1')"
    monkeypatch.setenv("OTHER", other)
    monkeypatch.setenv("EDITOR", f'sh -c \'{sys.executable} -c "$OTHER" && echo >> "$0"\'')
    told = said("edit", "wsvc/credit", code=exit_codes.FAILED)
    assert "EditsNotCommitted: new.py of pod 'credit-1' has changed meanwhile" in told
    assert not served.edits.exists()


def test_an_edit_is_committed_to_the_object(served: Pod) -> None:
    edit()
    told = said("commit", "wsvc/credit", code=exit_codes.USAGE)
    assert "+ return data.upper()" in told
    assert "Nothing was written: answer on a terminal, or say --yes." in told
    told = said("commit", "wsvc/credit", "--yes")
    assert "Written to InferenceImage 'credit' of namespace 'default'." in told
    assert "A new version is made of it: fairlead wait wsvc/credit" in told
    source = served.api.objects[f"{OURS}/inferenceimages/credit"]["spec"]["source"]
    assert source == {"inline": {"files": {"score.py": UPPER}}}
    assert "Nothing was edited in 'credit' that" in said("commit", "wsvc/credit")


def test_a_manifest_is_applied_again_after_a_commit(served: Pod, tmp_path: Path) -> None:
    """It wins: to the API server this program's patches are another manager's."""
    edit()
    said("commit", "wsvc/credit", "--yes")
    spec = {"entryScript": "score.py", "source": {"inline": {"files": {"score.py": SCRIPT}}}}
    meta = {"name": "credit"}
    manifest = {"apiVersion": "fairlead.dev/v1alpha1", "kind": "InferenceImage", "metadata": meta}
    (tmp_path / "image.json").write_text(json.dumps({**manifest, "spec": spec}))
    told = said("deploy", "-f", str(tmp_path / "image.json"), "--no-wait")
    assert "What `rollback`, `scale` or `commit` had changed of 'credit' is taken back" in told
    assert served.api.objects[f"{OURS}/inferenceimages/credit"]["spec"] == spec


def test_an_edit_is_committed_to_a_config_map(served: Pod) -> None:
    (served.root / "table.bin").write_bytes(b"\xff")
    (served.root / "words.txt").write_text("a")
    data = {"score.py": SCRIPT, "words.txt": "a"}
    coded = base64.b64encode(b"\xff").decode()
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "src"}}
    served.api.put({**manifest, "data": data, "binaryData": {"table.bin": coded}}, "configmaps")
    served.source_is(configMap={"name": "src"})
    edit()
    (served.edits / "new.py").write_text("1")
    (served.edits / "scratch.csv").write_text("no edit: the script has written it")
    (served.edits / "table.bin").write_bytes(b"\xfe")
    (served.edits / "words.txt").write_bytes(b"\xfd")
    told = said("commit", "wsvc/credit", "--yes")
    assert "Written to ConfigMap 'src' of namespace 'default'." in told
    found = served.api.objects[f"{MAPS}/src"]
    assert found["data"] == {"score.py": UPPER, "new.py": "1"}
    assert {name: base64.b64decode(one) for name, one in found["binaryData"].items()} == {
        "table.bin": b"\xfe",
        "words.txt": b"\xfd",
    }


def test_what_git_applies_and_what_others_have_changed_is_said(served: Pod) -> None:
    edit()
    image = served.api.objects[f"{OURS}/inferenceimages/credit"]
    image["metadata"]["labels"] = {"argocd.argoproj.io/instance": "team"}
    image["spec"]["source"]["inline"]["files"]["score.py"] = "# another's\n"
    told = said("commit", "wsvc/credit", "--yes", code=exit_codes.FAILED)
    assert "Warning: Argo CD (application team) applies 'credit' from Git" in told
    assert "score.py has changed since, too: that would be lost." in told
    assert image["spec"]["source"]["inline"]["files"]["score.py"] == "# another's\n"


def test_what_changes_while_it_is_written_is_not_overwritten(served: Pod) -> None:
    edit()
    served.api.refuse("PATCH", f"{OURS}/inferenceimages/credit", 409, "modified")
    told = said("commit", "wsvc/credit", "--yes", code=exit_codes.FAILED)
    assert "has changed meanwhile: nothing was written. Remedy: Commit once more" in told
    served.api.refuse("PATCH", f"{OURS}/inferenceimages/credit", 403, "no")
    assert "Forbidden" in said("commit", "wsvc/credit", "--yes", code=exit_codes.UNAVAILABLE)


def test_an_edit_is_committed_to_a_folder(served: Pod, tmp_path: Path) -> None:
    served.source_is(git={"url": "https://example.com/r.git"})
    edit()
    told = said("commit", "wsvc/credit", "--yes", code=exit_codes.FAILED)
    assert "comes from git: it is changed there." in told
    mine = tmp_path / "mine"
    folder = ("--source-directory", str(mine))
    assert "is no folder" in said("commit", "wsvc/credit", *folder, code=exit_codes.FAILED)
    mine.mkdir()
    (mine / "score.py").write_text(SCRIPT)
    assert f"Written to {mine}." in said("commit", "wsvc/credit", "--yes", *folder)
    assert (mine / "score.py").read_text() == UPPER
    (mine / "score.py").unlink()
    (mine / "score.py").symlink_to("/etc/hostname")
    told = said("commit", "wsvc/credit", "--yes", *folder, code=exit_codes.FAILED)
    assert "is a link that leads out of your folder" in told


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"uri": "https://example.com/a.zip"}, "comes from an address"),
        ({"configMap": {"name": "gone"}}, "ConfigMap 'gone' of InferenceImage 'credit'"),
    ],
)
def test_a_source_that_is_not_changed_here(served: Pod, source: dict[str, Any], words: str) -> None:
    edit()
    served.source_is(**source)
    code = exit_codes.NOT_FOUND if "configMap" in source else exit_codes.FAILED
    assert words in said("commit", "wsvc/credit", "--yes", code=code)


def test_what_the_object_cannot_hold_is_told(served: Pod) -> None:
    edit()
    (served.edits / "b.py").write_bytes(b"\xff")
    told = said("commit", "wsvc/credit", "--yes", code=exit_codes.FAILED)
    assert "b.py is no text, which alone stands in InferenceImage 'credit'" in told
    (served.edits / "b.py").unlink()
    (served.edits / "lib").mkdir()
    (served.edits / "lib/a.py").write_text("1")
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "src"}}
    served.api.put({**manifest, "data": {"score.py": SCRIPT}}, "configmaps")
    served.source_is(configMap={"name": "src"})
    told = said("commit", "wsvc/credit", "--yes", code=exit_codes.FAILED)
    assert "lib/a.py cannot be a key of ConfigMap 'src'" in told


def test_an_image_by_its_name_has_no_source(served: Pod) -> None:
    served.api.ours("Webservice", spec={"image": "r/c:1"}, status=ready())
    edit()
    told = said("commit", "wsvc/credit", "--yes", code=exit_codes.FAILED)
    assert "serves an image by its name, whose source is nowhere" in told


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (pod(), "No pod of 'credit' runs in debug mode"),
        (pod(SWITCH, EDITABLE, state="waiting"), "No pod of 'credit' runs in debug mode"),
        (pod(SWITCH), "was made by an operator that knows no edits"),
    ],
)
def test_only_a_pod_in_debug_mode_is_edited(served: Pod, made: Any, words: str) -> None:
    served.api.put(made, "pods")
    assert words in said("edit", "wsvc/credit", code=exit_codes.FAILED)
    assert words in said("commit", "wsvc/credit", code=exit_codes.FAILED)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["edit", "image/credit"], exit_codes.FAILED),
        (["edit", "wsvc/nobody"], exit_codes.NOT_FOUND),
        (["edit", "other/credit"], exit_codes.FAILED),
        (["edit", "credit", "--namespace", "n"], exit_codes.USAGE),
        (["shell", "wsvc/credit", "--root"], exit_codes.USAGE),
        (["shell", "wsvc/credit"], exit_codes.FAILED),
        (["commit", "--source-directory", "."], exit_codes.USAGE),
    ],
)
def test_what_cannot_be_meant(served: Pod, words: list[str], code: int) -> None:
    assert served
    said(*words, code=code)


# --- a shell


def test_a_command_in_a_pod(
    served: Pod, config: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert config
    done = CliRunner().invoke(
        app, ["shell", "wsvc/credit", "--", "sh", "-c", "echo out; echo err >&2; exit 7"]
    )
    assert done.exit_code == 7
    assert (done.stdout, done.stderr) == ("out\n", "err\n")
    assert capfdbinary.readouterr() == (b"", b"")
    served.api.put(pod(state="waiting"), "pods")
    told = said("shell", "wsvc/credit", "--", "ls", code=exit_codes.FAILED)
    assert "No pod of 'credit' runs" in told


def test_a_command_that_is_not_there(served: Pod) -> None:
    assert served
    told = said("shell", "wsvc/credit", "--", "/no/such", code=exit_codes.FAILED)
    assert "does not run in pod 'credit-1': exec failed: No such file" in told


def test_without_the_right_it_is_said_which(served: Pod) -> None:
    path = "/api/v1/namespaces/default/pods/credit-1/exec"
    served.api.refuse("GET", path, 403, "pods is forbidden")
    told = said("edit", "wsvc/credit", code=exit_codes.UNAVAILABLE)
    assert "lets nobody through to a command in pod 'credit-1': pods is forbidden" in told
    assert "'get' and 'create' on pods/exec" in told


def test_a_shell_on_a_terminal(served: Pod, config: Path) -> None:
    assert served
    program = "echo ready; read word; echo heard $word; exit 5"
    child = in_terminal(["shell", "wsvc/credit", "--", "sh", "-c", program], config)
    child.expect_exact("ready")
    child.send("hello\n")
    child.expect_exact("heard hello")
    _, code = ended(child)
    assert code == 5


class Sending:
    """A session that sends one thing at a time."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.sizes: list[tuple[int, int]] = []

    def resize(self, columns: int, lines: int) -> None:
        with self.lock:
            self.sizes.append((columns, lines))


def test_a_terminal_that_is_resized_while_something_is_sent_waits_for_nobody() -> None:
    session = Sending()
    with session.lock:
        thread = resize_beside(cast("Session", session), os.terminal_size((80, 24)))
        assert session.sizes == []
    thread.join(120)
    assert session.sizes == [(80, 24)]


# --- a stranger's bytes


def tar_of(*members: tarfile.TarInfo) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
    return target.getvalue()


def member(name: str, type_: bytes = tarfile.REGTYPE, size: int = 0) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.size, made.linkname = type_, size, "/etc/passwd"
    return made


def test_an_archive_of_a_pod_has_plain_files_alone() -> None:
    hostile = tar_of(
        *(member("/etc/x"), member("../x"), member("a/../../x"), member("")),
        member("\N{LATIN SMALL LETTER E WITH ACUTE}\0x.py"),
        *(member("link", tarfile.SYMTYPE), member("hard", tarfile.LNKTYPE)),
        *(member("pipe", tarfile.FIFOTYPE), member("device", tarfile.CHRTYPE)),
        member("score.py", size=1),
    )
    assert source_of([hostile]) == {"score.py": b"x"}


def test_an_archive_of_a_pod_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = bytearray(tar_of(member("sparse", tarfile.GNUTYPE_SPARSE)))
    with pytest.raises(LocalError, match="cannot be read"):
        source_of([bytes(bomb)])
    with pytest.raises(LocalError, match="cannot be read"):
        source_of([gzip.compress(tar_of(member("score.py", size=1)))])
    monkeypatch.setattr("fairlead.local.source_archive.MAX_SOURCE_FILES", 1)
    with pytest.raises(LocalError, match="too large"):
        source_of([tar_of(member("a"), member("b"))])
    monkeypatch.setattr("fairlead.local.source_archive.MAX_SOURCE_BYTES", 1)
    with pytest.raises(LocalError, match="too large"):
        source_of([tar_of(member("a", size=2))])


def test_an_answer_without_end_is_not_waited_for(served: Pod, client: Client) -> None:
    assert served
    with pytest.raises(LocalError, match="more than 10 bytes"):
        run(client.access, PLACE, ["yes"], 10)
    with pytest.raises(LocalError, match=r"timed out|of no use"):
        run(client.access, PLACE, ["sleep", "600"], 10, silence_s=0.2)
    with pytest.raises(LocalError, match="failed: sorry"):
        run(client.access, PLACE, ["sh", "-c", "echo sorry >&2; exit 3"], 10)
    with pytest.raises(LocalError, match="failed: it ended with 3"):
        run(client.access, PLACE, ["sh", "-c", "exit 3"], 10)


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (b'{"reloads": 2, "failure": null}', None),
        (b"no json\xff", {"message": "no json\ufffd"}),
        (b"[" * 100_000, {"message": "[" * 100_000}),
        (b"[]", {"message": "its answer is none of the runtime's"}),
        (b'{"message": "keys"}', {"message": "keys"}),
        (b'{"failure": {"message": "m"}}', {"message": "m"}),
    ],
)
def test_what_a_reload_answers(answer: bytes, failure: dict[str, Any] | None) -> None:
    assert failure_of(answer) == failure
    if failure:
        told = reload_failed({**failure, "location": [], "stage": 5}).finding.message
        assert told.startswith("The script cannot be loaded: Error: ")


@pytest.mark.parametrize("name", [".git/config", "src/.vscode/tasks.json", ".envrc"])
def test_a_hidden_file_is_not_written(name: str, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    home = Folder(tmp_path / "mine")
    with pytest.raises(LocalError, match="is a hidden file"):
        pending({name: b"0"}, {name: b"1"}, home)
    with pytest.raises(LocalError, match="is a hidden file"):
        home.write({"a.py": b"1", name: b"1"})
    assert not list((tmp_path / "mine").iterdir())


def test_a_path_out_of_the_folder_is_not_written(tmp_path: Path) -> None:
    home = Folder(tmp_path)
    with pytest.raises(LocalError, match="leads out of the folder"):
        pending({}, {"../x.py": b"1"}, home)
    with pytest.raises(LocalError, match="leads out of the folder"):
        home.write({"/etc/x.py": b"1"})
