"""The end of a log as a ConfigMap: bounded, text, and nobody else's."""

import pytest

from fairlead.api.refs import Manifest
from fairlead.desired.log_tail import CUT, MAX_TAIL_BYTES, end_of, log_tail_map, read_tail
from fairlead.log_address import image_log

NAME = image_log("demo", "diabetes", "3-1")
OWNER = {
    "apiVersion": "fairlead.dev/v1alpha1",
    "kind": "InferenceImage",
    "name": "diabetes",
    "uid": "u",
}


def test_it_goes_with_its_image_and_is_written_once() -> None:
    owner = {**OWNER, "blockOwnerDeletion": True}
    made = log_tail_map(NAME, [owner], "installed\n")
    assert made == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "fairlead-log-diabetes-3-1",
            "namespace": "demo",
            "labels": {
                "app.kubernetes.io/name": "log",
                "app.kubernetes.io/part-of": "fairlead",
                "fairlead.dev/log": NAME.label,
            },
            "ownerReferences": [OWNER],
        },
        "immutable": True,
        "data": {"log": "installed\n"},
    }
    assert read_tail(NAME, made) == "installed\n"


@pytest.mark.parametrize(
    "owner", [{}, {**OWNER, "kind": "Secret"}, {**OWNER, "uid": 7}, {"kind": "InferenceImage"}]
)
def test_it_belongs_to_images_alone(owner: Manifest) -> None:
    """The owners are those of a Job, which somebody else may have made."""
    made = log_tail_map(NAME, [owner, OWNER], "x")
    assert made["metadata"]["ownerReferences"] == [OWNER]


@pytest.mark.parametrize(
    "config_map",
    [
        {"metadata": {}},
        {"metadata": {"labels": None}, "data": {"log": "x"}},
        {"metadata": {"labels": {"fairlead.dev/log": "of another"}}, "data": {"log": "x"}},
        {"metadata": {"labels": {"fairlead.dev/log": NAME.label}}, "data": None},
        {"metadata": {"labels": {"fairlead.dev/log": NAME.label}}, "data": {"log": 7}},
    ],
)
def test_what_is_not_the_log_is_not_read(config_map: Manifest) -> None:
    assert read_tail(NAME, config_map) == ""


@pytest.mark.parametrize("line", ["größer\n", "x" * 99 + "\n", "\U0001f600" * 30 + "\n"])
def test_of_a_long_log_the_end_is_kept_from_the_beginning_of_a_line(line: str) -> None:
    end = end_of(40_000 * line)
    assert len(end.encode()) <= MAX_TAIL_BYTES
    assert len(end.encode()) > MAX_TAIL_BYTES - 2 * len(line.encode())
    assert end.startswith(CUT + line)
    assert end.endswith(line)


@pytest.mark.parametrize("text", ["", "x\n", "\ud800\n", "ü" * MAX_TAIL_BYTES])
def test_it_is_always_text_within_its_bounds(text: str) -> None:
    assert len(end_of(text).encode()) <= MAX_TAIL_BYTES
