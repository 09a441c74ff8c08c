"""Builds the images of ``recipes.py``: Debian packages in one lane, Go programs in the other."""

import os
import shutil
from functools import cache, partial
from pathlib import Path

from tests.cluster.command import run
from tests.cluster.engine import docker, has_image
from tests.cluster.errors import ClusterError
from tests.cluster.fingerprint import fingerprint
from tests.cluster.images import HOST_PROGRAMS, ROLES
from tests.cluster.lanes import in_parallel
from tests.cluster.machine import ca_bundle
from tests.cluster.places import Places
from tests.cluster.programs import compile_program, program_path, source_of
from tests.cluster.recipes import (
    FOLDERS,
    RECIPES,
    image_key,
    names_in_the_node,
    order,
    storage_manifest,
)
from tests.cluster.steps import Steps
from tests.cluster.versions import DEBIAN, KEPT, KUBERNETES, MARK

KIND_MODULE = "sigs.k8s.io/kind"
STORAGE_SOURCE = Path("pkg/build/nodeimage/const_storage.go")
NODE_CONFIG = ('ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]', "CMD []")
PRELOADER = "fairlead-preload"
PROXIES = ("http_proxy", "https_proxy", "no_proxy")  # docker passes on those that are set


class BuiltImages:
    """Images of our own making."""

    def __init__(self, places: Places, steps: Steps, go: Path) -> None:
        self._places = places
        self._steps = steps
        self._go = go

    def tag(self, role: str) -> str:
        return f"{KEPT}{role}:{image_key(role, fingerprint(_ca_bundle()))}"

    def tags(self) -> frozenset[str]:
        return frozenset(self.tag(role) for role in RECIPES)

    def prepare(self) -> None:
        present = {role for role in RECIPES if has_image(self.tag(role))}
        roles = order(ROLES, present)
        inside = (name for role in roles for name in RECIPES[role].programs)
        with_programs = [role for role in roles if RECIPES[role].programs]
        in_parallel(
            [partial(self._build, role) for role in roles if role not in with_programs],
            [
                partial(compile_program, self._places, self._steps, self._go, name)
                for name in dict.fromkeys((*inside, *HOST_PROGRAMS))
            ],
        )
        for role in with_programs:
            self._build(role)

    def add(self, role: str) -> None:
        if has_image(self.tag(role)):
            return
        for program in RECIPES[role].programs:
            compile_program(self._places, self._steps, self._go, program)
        self._build(role)

    def _build(self, role: str) -> None:
        with self._steps.step(f"Image {role} built"):
            context = self._context(role)
            match role:
                case "debian":
                    self._bootstrap_debian(context)
                case "node":
                    self._build_node(context)
                case _:
                    self._docker_build(role, context, self.tag(role))
            shutil.rmtree(context)

    def _context(self, role: str) -> Path:
        """The Dockerfile's folder: its own files, the programs, and what only this machine has."""
        context = self._places.scratch / role
        shutil.copytree(FOLDERS / role, context)
        for name in RECIPES[role].programs:
            os.link(program_path(self._places, name), context / name)
        match role:
            case "python":
                shutil.copyfile(_ca_bundle(), context / "ca-certificates.crt")
            case "node-packages":
                self._copy_kinds_files(context / "kind")
            case "node":
                (context / "default-storage.yaml").write_text(self._storage())
        return context

    def _docker_build(self, role: str, context: Path, tag: str) -> None:
        base = RECIPES[role].base
        settings = [f"BASE={self.tag(base)}"] if base else []
        settings += [f"KUBERNETES={KUBERNETES}"] if role == "node" else []
        arguments = [item for value in (*settings, *PROXIES) for item in ("--build-arg", value)]
        docker("build", "--label", MARK, *arguments, "--tag", tag, context)

    def _bootstrap_debian(self, context: Path) -> None:
        """debootstrap, imported as an image: the base of all that is not a single program."""
        root, archive = context / "root", context / "root.tar"
        run(["debootstrap", "--variant=minbase", "--include=ca-certificates", DEBIAN, root])
        shutil.copy(context / "install-packages", root / "usr/local/sbin")
        excluded = ("--anchored", f"--exclude-from={context / 'excluded'}")
        run(["tar", "--create", "--file", archive, *excluded, "--directory", root, "."])
        docker("import", "--change", f"LABEL {MARK}", archive, self.tag("debian"))

    def _build_node(self, context: Path) -> None:
        """The Dockerfile's image, started once to fill its containerd, committed as it then is."""
        empty, tag = f"{self.tag('node')}-empty", self.tag("node")
        self._docker_build("node", context, empty)
        preload = context / "preload"
        tags = {role: self.tag(role) for role in RECIPES["node"].preloaded}
        (preload / "names").write_text(names_in_the_node(tags, self._storage()))
        docker("image", "save", "--output", preload / "images.tar", *tags.values())
        options = (
            "--name",
            PRELOADER,
            "--volume",
            f"{preload}:/tmp/preload:ro",
            "--entrypoint",
            "sh",
        )
        docker("run", *options, empty, "/tmp/preload/run")
        config = [item for change in NODE_CONFIG for item in ("--change", change)]
        docker("commit", *config, PRELOADER, tag)
        docker("container", "rm", PRELOADER)
        docker("image", "rm", empty)

    def _copy_kinds_files(self, target: Path) -> None:
        """The module cache is read-only, down to its folders; an image's files are not."""
        shutil.copytree(
            self._kind_source() / "images/base/files", target, copy_function=shutil.copyfile
        )
        for folder in (target, *target.rglob("*/")):
            folder.chmod(0o755)

    def _storage(self) -> str:
        return storage_manifest((self._kind_source() / STORAGE_SOURCE).read_text())

    def _kind_source(self) -> Path:
        return source_of(self._go, KIND_MODULE)


@cache
def _ca_bundle() -> Path:
    bundle = ca_bundle()
    if bundle is None:
        raise ClusterError(
            "This machine has no certificates to trust, so nothing could be installed in an image.",
            "Run `apt-get install ca-certificates`.",
        )
    return bundle
