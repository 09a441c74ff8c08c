"""The operator's image, as Docker Engine runs it: any uid, a read-only root, nothing left over."""

import json

import pytest

import fairlead_scoring
from tests.cluster.command import read
from tests.cluster.operator_image import MAX_OPERATOR_BYTES, TARGETS, above_base, name

STRANGE_UID = "54321:54321"  # in no passwd file
RUNTIME_LAYER = """
import tempfile
from pathlib import Path
from fairlead.images.bundled_runtime import bundled_runtime
from fairlead.images import runtime_layer
from fairlead.images.runtime_layer import make_layer
from fairlead.settings import Settings
import sys
if sys.argv[1:] == ["by pip"]:
    runtime_layer.are_plain = lambda _: False
python = ".".join(map(str, sys.version_info[:3]))
with tempfile.TemporaryDirectory() as folder:
    layer = make_layer(bundled_runtime(python, Settings()), Path(folder), Settings(), print)
print(layer.descriptor.digest)
"""
NOT_COMPILED = """
import importlib, os, sys
from fairlead.contract import LANES
for program in ("in_job", "prepared", *LANES):
    importlib.import_module(f"fairlead.tasks.{program}")
def is_compiled(module):
    cached = getattr(module, "__cached__", None)
    if not cached:
        return True  # in C, or frozen
    if not os.path.exists(cached):
        return False
    with open(cached, "rb") as file:
        head = file.read(12)
    date = int(os.stat(module.__file__).st_mtime) & 0xFFFFFFFF
    return head[4] != 0 or int.from_bytes(head[8:], "little") == date  # of its source, or unchecked
print(*sorted(name for name, module in sys.modules.items() if not is_compiled(module)))
"""

pytestmark = pytest.mark.usefixtures("operator_image")


def run(target: str, *command: str, entrypoint: str = "", network: str = "none") -> str:
    """What a container says that may do as little as Pod Security `restricted` lets it."""
    return read(
        [
            *("docker", "run", "--rm", "--read-only", "--user", STRANGE_UID, "--cap-drop", "ALL"),
            *("--security-opt", "no-new-privileges", "--network", network),
            *(("--entrypoint", entrypoint) if entrypoint else ()),
            *(name(target), *command),
        ]
    )


def inspected(target: str) -> dict[str, object]:
    [told] = json.loads(read(["docker", "image", "inspect", name(target)]))
    return dict(told["Config"])


@pytest.mark.parametrize("target", TARGETS)
def test_it_runs_as_any_user_with_a_read_only_root(target: str) -> None:
    arguments = ("--version",) if target == "operator" else ()
    assert run(target, *arguments) == f"fairlead {fairlead_scoring.__version__}\n"


@pytest.mark.parametrize("target", TARGETS)
def test_it_says_what_it_is_and_never_runs_as_root(target: str) -> None:
    config = inspected(target)
    labels = config["Labels"]
    assert isinstance(labels, dict)
    assert labels["org.opencontainers.image.title"] == f"Fairlead {target}"
    assert labels["org.opencontainers.image.version"] == fairlead_scoring.__version__
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert config["User"] == "10001:10001"


def test_nothing_is_left_of_how_it_was_made() -> None:
    """No compiler, no cache of pip, no way to the package index, nothing that may be written."""
    look = (
        "for program in gcc cc make; do command -v $program; done; "
        "find / -xdev -path /proc -prune -o -path '*/.cache/pip*' -print 2>/dev/null; "
        "find /opt/fairlead ! -type l -writable -print; env | grep -i -e index -e proxy; "
        "cat /etc/pip.conf /opt/fairlead/pip.conf 2>/dev/null; ls /build 2>/dev/null; true"
    )
    assert run("operator", "-c", look, entrypoint="sh") == ""
    history = read(["docker", "history", "--no-trunc", name("operator")])
    assert "PIP_INDEX_URL" not in history


def test_the_operator_is_at_most_so_much_larger_than_its_base() -> None:
    assert 0 < above_base("operator") <= MAX_OPERATOR_BYTES


def test_it_makes_the_runtimes_layer_without_a_package_index() -> None:
    """With no network at all, and byte for byte the same each time, and as pip would have it."""
    first, second, pips = (
        run("operator", "-c", RUNTIME_LAYER, *how, entrypoint="python").splitlines()[-1]
        for how in ((), (), ("by pip",))
    )
    assert first.startswith("sha256:")
    assert first == second == pips


def test_no_module_of_a_task_is_compiled_again_by_each() -> None:
    """Whatever the base image brings: nobody could write it there."""
    assert run("tasks", "-c", NOT_COMPILED, entrypoint="python").split() == []
