"""The chart, rendered by the real helm: whole manifests, and what a person is told about values.

To accept a change that is meant: ``UPDATE_GOLDEN=1 pytest tests/integration/chart``, then read the
diff.
"""

import base64
import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster import ClusterError
from tests.cluster.charts import CHART, readme
from tests.cluster.command import read
from tests.cluster.places import places
from tests.cluster.programs import program_path
from tests.cluster.schemas import schemas

ROOT = places().checkout
GOLDEN = ROOT / "tests/golden/chart"
TASKS = sorted((ROOT / "tests/golden/tasks").glob("*.yaml"))
NOT_OF_KUBERNETES = "ServiceMonitor,PodMonitor,PrometheusRule"
Verdicts = Mapping[str, list[str]]
SETS = sorted(path.name.removesuffix(".values.yaml") for path in GOLDEN.glob("*.values.yaml"))


LOG_KEY = re.compile(r"key: [A-Za-z0-9+/]{43}=")
CERTIFICATES = re.compile(r"(ca\.crt|tls\.crt|tls\.key|caBundle): [A-Za-z0-9+/=]{200,}")
CERTIFICATE_SUM = re.compile(r"(fairlead\.dev/certificate): [0-9a-f\"]+")
NO_CERTIFICATE = "UEVNCg=="  # in the place of what was made
NO_KEY = f"{43 * 'A'}="  # in the place of the random one


def rendered(helm: Path, *arguments: str) -> str:
    made = CERTIFICATES.sub(rf"\1: {NO_CERTIFICATE}", templated(helm, *arguments))
    made = CERTIFICATE_SUM.sub(r"\1: none", made)
    return LOG_KEY.sub(f"key: {NO_KEY}", made)


def templated(helm: Path, *arguments: str) -> str:
    place = ("fairlead", str(ROOT / CHART), "--namespace", "fairlead-system")
    return read([helm, "template", *place, *arguments])


def test_without_a_cluster_to_look_into_each_rendering_has_a_secret_of_its_own(helm: Path) -> None:
    keys = [LOG_KEY.findall(templated(helm)) for _ in range(2)]
    assert [len(base64.b64decode(key.removeprefix("key: "))) for [key] in keys] == [32, 32]
    assert keys[0] != keys[1]


def test_another_certificate_of_the_metrics_api_brings_other_pods(helm: Path) -> None:
    """The API server trusts the new one at once, and pods would see it after minutes."""
    made = [templated(helm, "--set", "metricsApi.enabled=true") for _ in range(2)]
    found = [CERTIFICATE_SUM.search(one) for one in made]
    assert len({one.group(0) for one in found if one}) == 2
    named = ("--set", "metricsApi.enabled=true", "--set", "metricsApi.tlsSecret=mine")
    assert CERTIFICATE_SUM.search(templated(helm, *named)) is None


def test_a_secret_that_is_named_is_used_and_none_is_made(helm: Path) -> None:
    made = templated(helm, "--set", "logs.keySecret=mine")
    assert "kind: Secret" not in made
    assert "secretName: mine" in made


@pytest.mark.parametrize("values", ["logs.enabled=false", "settings.runner=local"])
def test_nothing_of_logs_is_there_where_they_are_not_served(helm: Path, values: str) -> None:
    made = templated(helm, "--set", values)
    for name in ("log-key", "log-reader", "log-tokens", "fairlead-logs", "FAIRLEAD_LOG_KEY_FILE"):
        assert name not in made


def test_there_are_six_sets_of_values() -> None:
    assert len(SETS) == 6


@pytest.mark.parametrize("name", SETS)
def test_the_manifests_are_those_that_were_read_and_accepted(helm: Path, name: str) -> None:
    made = rendered(helm, "--values", str(GOLDEN / f"{name}.values.yaml"))
    file = GOLDEN / f"{name}.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(made)
    assert made == file.read_text()


@pytest.mark.parametrize("name", SETS)
def test_helm_finds_nothing_to_criticise(helm: Path, name: str) -> None:
    values = ("--values", str(GOLDEN / f"{name}.values.yaml"))
    read([helm, "lint", "--strict", ROOT / CHART, *values])


WRONG = {
    "terminationGracePeriodSeconds: 30": "terminationGracePeriod: 30",
    "containerPort: 8081": "containerPort: health",
    "source: {configMap:": "source: {configmap:",
}


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Of what was right in a file, the file where it is not."""
    folder, text = tmp_path_factory.mktemp("wrong"), (GOLDEN / "default.yaml").read_text()
    files = {right: folder / f"{number}.yaml" for number, right in enumerate(WRONG)}
    for right, file in files.items():
        assert right in text
        file.write_text(text.replace(right, WRONG[right]))
    return files


@pytest.fixture(scope="module")
def verdicts(
    helm: Path, wrong: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[str]]:
    """kubeconform's, of each object of each file: by Kubernetes' own schemas, made strict, and by
    ours. It is run once, for to read the schemas costs the most."""
    assert helm.exists()
    location = schemas(places(), tmp_path_factory.mktemp("schemas"))
    options = ("-strict", "-skip", NOT_OF_KUBERNETES, "-schema-location", location)
    right = [*(GOLDEN / f"{name}.yaml" for name in SETS), *TASKS]
    program = program_path(places(), "kubeconform")
    told = subprocess.run(
        [program, *options, "-verbose", "-output=json", *right, *wrong.values()],
        capture_output=True,
        text=True,
        check=False,  # it ends with 1 where anything is wrong
    )
    found: dict[str, list[str]] = {}
    for each in json.loads(told.stdout)["resources"]:
        words = f"{each['status']} {each['msg']}".strip()
        found.setdefault(each["filename"], []).append(words)
    return found


@pytest.mark.parametrize("name", SETS)
def test_the_manifests_conform(verdicts: Verdicts, name: str) -> None:
    assert set(verdicts[f"{GOLDEN}/{name}.yaml"]) <= {"statusValid", "statusSkipped"}


@pytest.mark.parametrize("file", TASKS, ids=lambda file: file.stem)
def test_the_jobs_of_tasks_conform(verdicts: Verdicts, file: Path) -> None:
    assert verdicts[str(file)] == ["statusValid", "statusValid"]


@pytest.mark.parametrize("right", WRONG)
def test_what_does_not_conform_is_seen(
    verdicts: Verdicts, wrong: Mapping[str, Path], right: str
) -> None:
    assert any(words.startswith("statusInvalid ") for words in verdicts[str(wrong[right])])


@pytest.mark.parametrize("keep", [True, False])
def test_the_definitions_are_ours_but_for_labels_and_annotations(helm: Path, *, keep: bool) -> None:
    settings = ("--set", f"crds.keep={str(keep).lower()}", "--set", "crds.annotations.a=b")
    documents = yaml.safe_load_all(rendered(helm, "--show-only", "templates/crds.yaml", *settings))
    found = {document["metadata"]["name"]: document for document in documents}
    for file in sorted((ROOT / "crds").glob("*.yaml")):
        ours = yaml.safe_load(file.read_text())
        theirs = found.pop(ours["metadata"]["name"])
        kept = {"helm.sh/resource-policy": "keep"} if keep else {}
        assert theirs["metadata"].pop("annotations") == {**kept, "a": "b"}
        assert theirs["metadata"].pop("labels")["app.kubernetes.io/managed-by"] == "Helm"
        assert theirs == ours
    assert not found


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "misspelt": ({"image": {"repositry": "x"}}, "at '/image': additional properties 'repositry'"),
    "misspelt, at the top": ({"setings": {}}, "at '': additional properties 'setings'"),
    "a text for a number": (
        {"settings": {"tasksAtOnce": "many"}},
        "at '/settings/tasksAtOnce': got string, want integer",
    ),
    "a number for a switch": ({"crds": {"keep": 1}}, "at '/crds/keep': got number, want boolean"),
    "a runner that is not there": (
        {"settings": {"runner": "pod"}},
        "at '/settings/runner': value must be one of 'local', 'job'",
    ),
    "a digest that is none": ({"image": {"digest": "latest"}}, "at '/image/digest': 'latest'"),
    "the same namespace twice": (
        {"watchNamespaces": ["a", "a"]},
        "at '/watchNamespaces': items at 0 and 1 are equal",
    ),
    "a port out of range": (
        {"networkPolicy": {"egressPorts": [70000]}},
        "at '/networkPolicy/egressPorts/0': maximum: got 70,000, want 65,535",
    ),
}


@pytest.mark.parametrize(("values", "words"), REFUSED.values(), ids=REFUSED)
def test_wrong_values_are_refused_with_their_path(
    helm: Path, tmp_path: Path, values: dict[str, Any], words: str
) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump(values))
    with pytest.raises(ClusterError) as refusal:
        rendered(helm, "--values", str(file))
    assert any(words in line for line in refusal.value.tail), refusal.value.tail


def test_the_readme_is_what_the_values_say(helm: Path) -> None:
    assert helm.exists()
    assert (ROOT / CHART / "README.md").read_text() == readme(places()), "run `make chart-docs`"
