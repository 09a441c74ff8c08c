"""How each image is built where none can be pulled: what it stands on, what is put in. Pure.

The Dockerfile of a role lies in ``images/<role>/``, with the files that belong to it alone.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from tests.cluster.errors import ClusterError
from tests.cluster.fingerprint import fingerprint
from tests.cluster.places import PACKAGE
from tests.cluster.programs import program_key
from tests.cluster.versions import DEBIAN, KUBERNETES, MARK, NAMES_IN_THE_NODE

FOLDERS = PACKAGE / "images"


@dataclass(frozen=True)
class Recipe:
    """``base`` and ``preloaded`` name other roles; a node has the latter in its containerd."""

    base: str = ""
    programs: tuple[str, ...] = ()
    preloaded: tuple[str, ...] = ()


RECIPES: Mapping[str, Recipe] = {
    "debian": Recipe(),  # by debootstrap, not by a Dockerfile
    "python": Recipe("debian"),
    "registry": Recipe("debian"),
    "metrics-server": Recipe(programs=("metrics-server",)),
    "pause": Recipe(programs=("pause",)),
    "buildkit": Recipe("debian", ("buildkitd", "buildctl", "rootlesskit")),
    "haproxy": Recipe("debian"),
    "coredns": Recipe(programs=("coredns",)),
    "control-plane-packages": Recipe("debian"),
    "control-plane": Recipe(
        "control-plane-packages", ("kubernetes", "etcd", "local-path-provisioner")
    ),
    "node-packages": Recipe("debian"),
    "node": Recipe(
        "node-packages",
        ("kubernetes", "crictl", "runc-wrap"),
        preloaded=("control-plane", "coredns", "pause"),
    ),
}


def image_key(role: str, machine_key: str) -> str:
    """The key of everything that goes into the image; ``machine_key`` is that of the CA bundle."""
    recipe = RECIPES[role]
    parts = {
        "debian": [DEBIAN],
        "python": [machine_key],
        "node-packages": [program_key("kind")],  # with kind's module come the files of its node
        "node": [KUBERNETES, *NAMES_IN_THE_NODE],
    }
    return fingerprint(
        FOLDERS / role,
        MARK,
        *parts.get(role, []),
        *(program_key(program) for program in recipe.programs),
        *(image_key(other, machine_key) for other in _needs(recipe)),
    )


def order(wanted: Iterable[str], present: Collection[str]) -> list[str]:
    """What to build for ``wanted``, each after what it needs; nothing for what is ``present``."""
    built: list[str] = []
    for role in wanted:
        if role not in present and role not in built:
            needed = order(_needs(RECIPES[role]), {*present, *built})
            built += [*needed, role]
    return built


def storage_manifest(go_source: str) -> str:
    """kind's storage manifest, which is a constant in its Go source (const_storage.go)."""
    constants = dict(re.findall(r'^const (\w+) = "([^"]+)"$', go_source, re.MULTILINE))
    text = re.search(
        r"^const defaultStorageManifest = `(.*)`$", go_source, re.MULTILINE | re.DOTALL
    )
    if text is None:
        raise ClusterError("kind's storage manifest is not where kind v0.33 has it.")
    return re.sub(r"` \+ (\w+) \+ `", lambda match: constants[match[1]], text[1])


def names_in_the_node(tags: Mapping[str, str], storage: str) -> str:
    """One line ``<image in the archive> <name it answers to>`` for each name a node asks for.

    ``tags`` are those of the preloaded roles; ``storage`` is kind's manifest, which names two more.
    """
    names = dict(NAMES_IN_THE_NODE)
    names |= dict.fromkeys(re.findall(r"docker\.io/kindest/[\w.:-]+", storage), "control-plane")
    return "".join(f"docker.io/{tags[role]} {name}\n" for name, role in names.items())


def _needs(recipe: Recipe) -> tuple[str, ...]:
    return ((recipe.base,) if recipe.base else ()) + recipe.preloaded
