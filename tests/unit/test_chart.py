"""The chart's values, its schema and the operator's settings say the same; helm is not needed."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from fairlead.api.attribute_docstrings import attribute_docstrings
from fairlead.api.meta import API_VERSION, FINALIZER, KINDS
from fairlead.settings import Settings
from fairlead_scoring import __version__

CHART = Path(__file__).parents[2] / "charts/fairlead"
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
DOCSTRINGS = attribute_docstrings(Settings)
VALUES_TEXT = (CHART / "values.yaml").read_text()
VALUES: dict[str, Any] = yaml.safe_load(VALUES_TEXT)
ELSEWHERE = {  # values of their own
    *("ca_bundle", "docker_config", "namespace", "task_image", "watch_namespaces"),
    *("log_address", "log_key_file", "log_uri_base", "log_tokens"),
    *("buildkit_namespace", "buildkit_image", "metrics_api"),
    *("exposure_hosts", "exposure_ingress_classes", "exposure_gateways"),
    *("exposure_cluster_issuers", "exposure_annotations"),
}
OF_A_POD = {
    "registry",
    "runner",
    "state_folder",
    "health_address",
    "front_default",
    "leader_election",
}  # settings whose default in a pod is another


def camel(name: str) -> str:
    first, *others = name.split("_")
    return "".join([first, *map(str.capitalize, others)])


def comments(text: str = VALUES_TEXT) -> dict[str, str]:
    """The comment above each value, by the value's path."""
    found, said, parent = dict[str, str](), list[str](), ""
    for line in text.splitlines():
        indent, words = len(line) - len(line.lstrip()), line.strip()
        if words.startswith("#"):
            said = [*said, words.lstrip("#").strip()]
        elif words:
            key = words.partition(":")[0]
            path = f"{parent}.{key}" if indent else key
            parent = parent if indent else key
            found[path], said = " ".join(said).removeprefix("-- "), []
    return found


def leaves(schema: dict[str, Any], place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield place, schema
    for name, inner in schema.get("properties", {}).items():
        yield from leaves(inner, f"{place}.{name}".lstrip("."))


@pytest.mark.parametrize("name", sorted(set(Settings.model_fields) - ELSEWHERE))
def test_every_setting_is_a_value_in_the_same_words(name: str) -> None:
    field = Settings.model_fields[name]
    assert comments()[f"settings.{camel(name)}"] == " ".join(DOCSTRINGS[name].split())
    if name not in OF_A_POD:
        given = VALUES["settings"][camel(name)]
        default = field.default
        if isinstance(default, tuple):
            default = " ".join(default)
        assert given == default


def test_no_value_stands_for_a_setting_that_does_not_exist() -> None:
    assert set(VALUES["settings"]) == {camel(n) for n in set(Settings.model_fields) - ELSEWHERE}


def test_the_schema_knows_the_values_and_no_others() -> None:
    for place, schema in leaves(SCHEMA):
        if "properties" not in schema:
            continue
        assert schema["additionalProperties"] is False, place
        values = VALUES
        for key in place.split(".") if place else ():
            values = values[key]
        optional = {"global"} | ({"claims"} if place == "resources" else set())
        if not place.startswith("probes."):
            assert set(schema["properties"]) - optional == set(values), place


def test_every_value_has_its_words() -> None:
    silent = {path for path, said in comments().items() if not said}
    groups = {key for key, value in VALUES.items() if isinstance(value, dict)}
    groups |= {f"{two}.{name}" for two in ("engines", "monitoring") for name in VALUES[two]}
    assert silent - groups <= {f"{group}.{inner}" for group in OPAQUE for inner in VALUES[group]}


OPAQUE = ("resources", "podSecurityContext", "securityContext")  # one comment for the whole


def test_the_environment_of_the_operator_is_made_from_its_settings() -> None:
    """What the template's `snakecase` makes of each name is the setting's name."""
    for name in Settings.model_fields:
        assert re.sub(r"(?<!^)(?=[A-Z])", "_", camel(name)).lower() == name


def test_the_hook_takes_off_the_finalizer_that_the_operator_knows() -> None:
    said = (CHART / "files/hook.py").read_text()
    assert f'FINALIZER = "{FINALIZER}"' in said
    assert f'GROUP = "/apis/{API_VERSION}"' in said
    assert f"PLURALS = {tuple(kind.plural for kind in KINDS)}".replace("'", '"') in said


def test_the_chart_has_the_version_of_what_it_installs() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], str(chart["appVersion"])) == (__version__, __version__)
