"""Names come from objects and files of others: none is a path, and none is empty."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from fairlead.api.refs import Ref
from fairlead.cli import exit_codes
from fairlead.cli.app import app
from fairlead.local.errors import LocalError
from fairlead.remote.client import Client
from fairlead.remote.rollback import ROLLED_BACK
from tests.unit.remote.fake_api import FakeApi

OURS = "fairlead.dev/v1alpha1"
CALLS: list[Callable[[Client, Ref], Any]] = [
    Client.get,
    Client.delete,
    lambda client, ref: client.merge(ref, {}),
]
LISTS: list[Callable[[Client, Ref], Any]] = [Client.items, Client.table]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", ["", "..", "../secrets/x", "a/b", "a?b", "A", "a%2fb"])
def test_a_name_that_is_none(
    call: Callable[[Client, Ref], Any], name: str, client: Client, api: FakeApi
) -> None:
    with pytest.raises(LocalError) as error:
        call(client, Ref(OURS, "webservices", "default", name))
    assert error.value.finding.reason == "InvalidSpec"
    assert api.asked == []


@pytest.mark.parametrize("call", [*CALLS, *LISTS])
@pytest.mark.parametrize("namespace", ["..", "a/b", "a.b", "a" * 64])
def test_a_namespace_that_is_none(
    call: Callable[[Client, Ref], Any], namespace: str, client: Client, api: FakeApi
) -> None:
    with pytest.raises(LocalError, match="cannot be the name of a namespace"):
        call(client, Ref(OURS, "webservices", namespace, "credit"))
    assert api.asked == []


@pytest.mark.parametrize("namespace", ["..", "a/secrets/b", "a?b"])
def test_a_path_that_is_none(namespace: str, client: Client, api: FakeApi) -> None:
    path = Ref(OURS, "webservices", namespace).path
    with pytest.raises(LocalError, match="is no path of the API"):
        client.create(path, {}, "Creating")
    with pytest.raises(LocalError, match="is no path of the API"):
        client.apply(f"{path}/credit", {}, "Applying")
    assert api.asked == []


def run(*words: str) -> Any:
    return CliRunner().invoke(app, list(words))


@pytest.mark.usefixtures("config")
def test_objects_that_name_paths(api: FakeApi, tmp_path: Any) -> None:
    path = "../secrets/credit-fairlead-keys"
    api.ours("InferenceImage", spec={"source": {"configMap": {"name": path}}})
    done = run("export", "image/credit")
    assert done.exit_code == exit_codes.FAILED
    assert "cannot be the name of an object (configmaps)" in " ".join(done.output.split())
    service = api.ours("Webservice", spec={"image": "r/x"})
    service["metadata"]["annotations"] = {ROLLED_BACK: "../../other/webservices/x"}
    assert run("rollback", "credit", "--to", "1").exit_code == exit_codes.FAILED
    assert run("rollback", "credit", "--undo").exit_code == exit_codes.NOT_FOUND
    metadata = {"name": "credit", "namespace": "../secrets"}
    one = {"apiVersion": OURS, "kind": "Webservice", "metadata": metadata, "spec": {}}
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(one))
    assert run("deploy", "-f", str(tmp_path / "a.yaml")).exit_code == exit_codes.FAILED
    assert not any(".." in path or "secrets" in path for _, path in api.asked)
    assert api.requests("PATCH") == []


@pytest.mark.usefixtures("config")
def test_export_of_what_is_no_config_map(api: FakeApi) -> None:
    api.ours("InferenceImage", spec={"source": {"configMap": {"name": "files"}}})
    api.put({"apiVersion": "v1", "kind": "Other", "metadata": {"name": "files"}}, "configmaps")
    done = run("export", "image/credit")
    assert "ConfigMap 'files' of namespace 'default' is not there" in done.stderr
    assert "kind: Other" not in done.stdout


@pytest.mark.usefixtures("config")
def test_long_names_are_whole_names(api: FakeApi) -> None:
    name = "n" * 70
    api.ours("InferenceImage", spec={"source": {"configMap": {"name": name}}})
    files = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
    api.put({**files, "data": {"score.py": ""}}, "configmaps")
    found = list(yaml.safe_load_all(run("export", "image/credit").stdout))
    assert [one["metadata"]["name"] for one in found] == [name, "credit"]
