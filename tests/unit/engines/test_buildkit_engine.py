# ruff: noqa: ARG002  (stand-ins for a registry and for BuildKit)
"""The ``buildkit`` engine: what BuildKit is handed, and what of its image is pushed."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from fairlead.contract import EnvironmentRecipe
from fairlead.diagnosis.build.base_python import BasePython
from fairlead.engines import buildkit
from fairlead.engines.base import (
    BaseUnfitError,
    BuildFailedError,
    BuildPlan,
    EngineUnreachableError,
)
from fairlead.engines.buildkit import BuildkitEngine
from fairlead.engines.buildkit_client import BuildkitClient, Ending, Solve
from fairlead.images.environment_tree import EnvironmentUnfitError
from fairlead.registry.client import Registry
from fairlead.registry.errors import RegistryFaultError
from fairlead.registry.oci import (
    OCI_CONFIG,
    OCI_LAYER_GZIP,
    OCI_MANIFEST,
    Descriptor,
    ImageConfig,
    Manifest,
    descriptor,
    digest_of,
    written,
)
from fairlead.registry.reference import Repository, parse_repository
from fairlead.requirement import Requirement
from tests.unit.images.test_oci_layout import archived, image

BASE_LAYER = descriptor(OCI_LAYER_GZIP, b"base")
NEW_LAYER = descriptor(OCI_LAYER_GZIP, b"steps")
BASE_CONFIG = {"config": {"Labels": {}}, "rootfs": {"diff_ids": [digest_of(b"raw")]}}
CONFIG_BODY = written(BASE_CONFIG)
BASE_MANIFEST = Manifest(config=descriptor(OCI_CONFIG, CONFIG_BODY), layers=(BASE_LAYER,))
BASE_BODY = written(BASE_MANIFEST)
ENVIRONMENTS = parse_repository("localhost:5000/demo/fairlead/environments")
HASH = "ab" * 32
PYTHON = BasePython("3.11.2", makes_environments=True, libc="glibc 2.36", path="/usr/bin/python3")
PLAN = BuildPlan(
    recipe=EnvironmentRecipe(
        base_image="python:3.11",
        requirements=(Requirement(text="six", line=1),),
        steps="RUN make\nCOPY tool /opt/tool\n",
        steps_file="Dockerfile.steps",
    ),
    base=parse_repository("localhost:5000/base"),
    base_digest=digest_of(BASE_BODY),
    environments=ENVIRONMENTS,
    hash=HASH,
    package_index="https://pypi.example.com/simple",
    insecure_hosts=(),
    ca_bundle=None,
    files={"tool": b"\x7fELF"},
)


@dataclass
class FakeRegistry:
    blobs: dict[str, bytes] = field(
        default_factory=lambda: {BASE_LAYER.digest: b"base", digest_of(CONFIG_BODY): CONFIG_BODY}
    )
    config_of_base: dict[str, Any] = field(default_factory=lambda: BASE_CONFIG)
    there: set[str] = field(default_factory=set)
    pushed: list[str] = field(default_factory=list)
    copied: list[str] = field(default_factory=list)
    tags: dict[str, bytes] = field(default_factory=dict)

    def manifest(self, repository: Repository, reference: str) -> tuple[Manifest, Descriptor]:
        return BASE_MANIFEST, descriptor(OCI_MANIFEST, BASE_BODY)

    def manifest_body(self, repository: Repository, digest: str) -> bytes:
        return BASE_BODY

    def config(self, repository: Repository, manifest: Manifest) -> ImageConfig:
        return ImageConfig.model_validate(self.config_of_base)

    @contextmanager
    def open_blob(self, repository: Repository, digest: str) -> Iterator[Iterator[bytes]]:
        yield iter([self.blobs[digest]])

    def has_blob(self, repository: Repository, digest: str) -> bool:
        return digest in self.there

    def upload(self, repository: Repository, pieces: Iterable[bytes]) -> tuple[str, int]:
        content = b"".join(pieces)
        self.pushed.append(digest_of(content))
        return digest_of(content), len(content)

    def upload_bytes(self, repository: Repository, content: bytes) -> None:
        self.pushed.append(digest_of(content))

    def copy_blob(self, source: Repository, target: Repository, digest: str) -> str:
        self.copied.append(digest)
        return "mounted"

    def put_manifest(self, repository: Repository, tag: str, body: bytes, kind: str) -> str:
        self.tags[tag] = body
        return digest_of(body)


@dataclass
class FakeClient:
    """Answers with ``endings``, by target; the last stage leaves an image."""

    endings: dict[str, Ending] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=lambda: image(BASE_LAYER, NEW_LAYER))
    begins: bool = True
    asked: list[tuple[Solve, str]] = field(default_factory=list)

    def answers(self) -> bool:
        return self.begins

    def solve(self, solve: Solve, log: Callable[[str], None]) -> Ending:
        self.asked.append((solve, (solve.context / "Dockerfile").read_text()))
        if solve.made:
            archived(solve.made, self.files)
        told = ("3.11.2 True glibc 2.36 at /usr/bin/python3",) if solve.target == "probe" else ()
        return self.endings.get(solve.target, Ending(ok=True, lines=told))


class Log:
    def __init__(self) -> None:
        self.text = ""

    def phase(self, name: str) -> None:
        self.text += f"== {name}\n"

    def write(self, text: str) -> None:
        self.text += f"{text}\n"


@dataclass
class Scene:
    work: Path
    registry: FakeRegistry = field(default_factory=FakeRegistry)
    client: FakeClient = field(default_factory=FakeClient)
    log: Log = field(default_factory=Log)

    @property
    def engine(self) -> BuildkitEngine:
        registry, client = cast("Registry", self.registry), cast("BuildkitClient", self.client)
        return BuildkitEngine(registry, self.work, client)


def no_lock() -> None:
    """Nothing is kept beside the image."""


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_the_steps_run_on_the_base_image_and_only_what_they_add_is_pushed(scene: Scene) -> None:
    engine = scene.engine
    assert engine.prepare(PLAN, scene.log) == PYTHON
    tags: list[dict[str, bytes]] = []
    digest = engine.build(PLAN, PYTHON, scene.log, lambda: tags.append(dict(scene.registry.tags)))
    engine.close()
    assert tags == [{}]  # whoever finds the image finds its lock
    assert [solve.target for solve, _ in scene.client.asked] == ["base", "probe", ""]
    assert scene.registry.pushed == [NEW_LAYER.digest, digest_of(b'{"architecture":"amd64"}')]
    assert scene.registry.copied == [BASE_LAYER.digest]
    assert digest_of(scene.registry.tags[HASH]) == digest
    first, last = scene.client.asked[0], scene.client.asked[-1]
    assert "FROM fairlead-base AS base" in first[1]
    assert 'COPY ["source/tool", "/opt/tool"]' in first[1]
    assert last[1].startswith(first[1])  # what the steps made is built once
    context = last[0].context
    assert (context / "source/tool").read_bytes() == b"\x7fELF"
    assert (context / "build/requirements.txt").read_text() == "six\n"


def test_a_file_that_may_be_run_stays_so(scene: Scene) -> None:
    recipe = PLAN.recipe.model_copy(update={"programs": ("tool", "pkg/run.sh")})
    files, local = {"tool": b"1", "a.json": b"2"}, {"pkg/run.sh": b"3", "pkg/setup.py": b"4"}
    plan = replace(PLAN, recipe=recipe, files=files, local=local)
    scene.engine.build(plan, PYTHON, scene.log, no_lock)
    [(solve, _)] = scene.client.asked
    found = (path for path in solve.context.rglob("*") if path.is_file())
    programs = {path for path in found if path.stat().st_mode & 0o111}
    assert programs == {solve.context / "source/tool", solve.context / "build/source/pkg/run.sh"}


def test_an_environment_that_conda_linked_goes_into_the_build(scene: Scene) -> None:
    linked = scene.work / "linked-here.tar"
    linked.write_bytes(b"a tar")
    scene.engine.build(replace(PLAN, linked=linked), PYTHON, scene.log, no_lock)
    [(solve, text)] = scene.client.asked
    assert "ADD linked.tar /" in text
    assert (solve.context / "linked.tar").read_bytes() == b"a tar"


def test_buildkit_is_handed_the_base_image_by_the_digest_that_it_has(scene: Scene) -> None:
    scene.engine.prepare(PLAN, scene.log)
    [(solve, _), *_] = scene.client.asked
    name, layout, digest = solve.base
    assert (name, digest) == ("fairlead-base", digest_of(BASE_BODY))
    blobs = {path.name: path.read_bytes() for path in (layout / "blobs/sha256").iterdir()}
    assert blobs == {digest_of(body)[7:]: body for body in (BASE_BODY, CONFIG_BODY, b"base")}


def test_without_steps_only_the_python_is_asked(scene: Scene) -> None:
    plan = replace(PLAN, recipe=PLAN.recipe.model_copy(update={"steps": ""}))
    assert scene.engine.prepare(plan, scene.log) == PYTHON
    assert [solve.target for solve, _ in scene.client.asked] == ["probe"]
    assert re.search(r'FROM base AS probe\nUSER 0\nRUN \["python3", "-c"', scene.client.asked[0][1])


@pytest.mark.parametrize(
    "ending", [Ending(ok=False, error="exec: python3: not found"), Ending(ok=True, lines=("3",))]
)
def test_a_base_image_without_python_has_none(scene: Scene, ending: Ending) -> None:
    scene.client.endings["probe"] = ending
    assert scene.engine.prepare(PLAN, scene.log) is None


@pytest.mark.parametrize("target", ["base", "probe"])
def test_a_buildkit_that_is_lost_in_between_is_unreachable(scene: Scene, target: str) -> None:
    scene.client.endings[target] = Ending(ok=False, error="EOF", lost=True)
    with pytest.raises(EngineUnreachableError, match="gave up, while it built"):
        scene.engine.prepare(PLAN, scene.log)


def test_a_buildkit_that_does_not_begin_is_unreachable(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buildkit, "BEGIN_TIMEOUT_S", 0.02)
    monkeypatch.setattr(buildkit, "LOOK_EVERY_S", 0.01)
    scene.client.begins = False
    with pytest.raises(EngineUnreachableError, match="did not begin"):
        scene.engine.prepare(PLAN, scene.log)
    assert scene.client.asked == []


@pytest.mark.parametrize(("target", "phase"), [("base", "steps"), ("", "packages")])
def test_what_fails_is_told_with_all_that_it_printed(scene: Scene, target: str, phase: str) -> None:
    scene.client.endings[target] = Ending(ok=False, lines=("Step 4/5 : RUN make",), error="boo")
    engine = scene.engine
    with pytest.raises(BuildFailedError) as failed:
        engine.prepare(PLAN, scene.log) if target else engine.build(
            PLAN, PYTHON, scene.log, no_lock
        )
    output = failed.value.output
    assert (output.phase, output.error, output.engine) == (phase, "boo", "buildkit")
    assert scene.registry.tags == {}


def test_a_base_image_that_nothing_can_be_put_on_is_told_before(scene: Scene) -> None:
    scene.registry.config_of_base = {"rootfs": {"diff_ids": []}}
    with pytest.raises(BaseUnfitError, match="lists 0 layers and its manifest 1"):
        scene.engine.prepare(PLAN, scene.log)


def test_a_base_image_that_is_not_what_its_digest_says_is_not_built_on(scene: Scene) -> None:
    scene.registry.blobs[BASE_LAYER.digest] = b"another"
    with pytest.raises(RegistryFaultError, match="sends a blob with another content"):
        scene.engine.prepare(PLAN, scene.log)
    assert scene.client.asked == []


def test_a_layer_that_is_not_what_its_digest_says_is_no_image(scene: Scene) -> None:
    blob = f"blobs/sha256/{NEW_LAYER.digest[7:]}"
    scene.client.files = {**image(BASE_LAYER, NEW_LAYER), blob: b"another"}
    with pytest.raises(EnvironmentUnfitError, match="left another thing than"):
        scene.engine.build(PLAN, PYTHON, scene.log, no_lock)
    assert scene.registry.tags == {}


def test_a_layer_that_the_registry_has_is_not_pushed_again(scene: Scene) -> None:
    scene.registry.there.add(NEW_LAYER.digest)
    scene.engine.build(PLAN, PYTHON, scene.log, no_lock)
    assert NEW_LAYER.digest not in scene.registry.pushed
    assert list(scene.registry.tags) == [HASH]
