"""What pip is handed for an environment: its list, constraints, configuration, and local packages.

Where packages come from is in the configuration, which is never part of an image. It stands for
pip's own options of the user's file, too.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from fairlead.contract import EnvironmentRecipe
from fairlead.images import pip_install
from fairlead.images.layout import BUILD_FILES
from fairlead.inputs.local_package import LOCAL
from fairlead.inputs.pip_options import (
    EXTRA_INDEX,
    FIND_LINKS,
    FLAGS,
    FORMATS,
    INDEX,
    PUBLIC_INDEX,
)
from fairlead.requirement import Requirement

MAKE_VENV = Path(pip_install.__file__).with_name("make_venv.py")  # imports what only it needs
REQUIREMENTS, CONSTRAINTS = pip_install.REQUIREMENTS, pip_install.CONSTRAINTS
_PIP = (
    f"--requirement {REQUIREMENTS} --no-compile --no-cache-dir --no-input "
    "--disable-pip-version-check --progress-bar off --retries 2 --timeout 20"
)


@dataclass(frozen=True)
class PackageIndex:
    """Where packages come from; no address: pip's own. ``certificates``: PEM, of all to trust.
    ``given``: the address that pip is given in the place of one, of the settings or of a file."""

    address: str = ""
    insecure_hosts: tuple[str, ...] = ()
    certificates: bytes = b""
    given: Callable[[str], str] = str


def pip_options() -> list[str]:
    """What ``pip install`` is told, whatever builds the environment."""
    return _PIP.split()


def has_credentials(index: str) -> bool:
    """Whether the address of a package index holds a user or a password."""
    return "@" in urlsplit(index).netloc


def requirements_txt(recipe: EnvironmentRecipe) -> str:
    """Return pip's requirements file, one requirement on each line."""
    return _lines(recipe.requirements)


def build_files(
    recipe: EnvironmentRecipe, index: PackageIndex, local: Mapping[str, bytes] | None = None
) -> dict[str, bytes]:
    """Return the build context but for the Dockerfile, path to content.

    ``local``: the files of the source that pip installs from.
    """
    files = {
        f"build/{REQUIREMENTS}": requirements_txt(recipe).encode(),
        "build/pip.conf": _pip_conf(recipe, index).encode(),
        "build/pip_install.py": Path(pip_install.__file__).read_bytes(),
        "build/make_venv.py": MAKE_VENV.read_bytes(),
    }
    if recipe.constraints:
        files[f"build/{CONSTRAINTS}"] = _lines(recipe.constraints).encode()
    for path, content in (local or {}).items():
        files[f"build/{pip_install.SOURCE}/{path}"] = content
    return files | ({"build/ca.pem": index.certificates} if index.certificates else {})


def index_addresses(recipe: EnvironmentRecipe, index: str) -> list[str]:
    """Where packages are looked for, but for pip's own index. ``index``: that of the settings."""
    first, others = _indexes(recipe, PackageIndex(index))
    return [one for one in (first, *others) if one]


def link_pages(recipe: EnvironmentRecipe) -> list[str]:
    """The addresses of pages with links to packages."""
    return [one for one in _values(recipe, FIND_LINKS) if not one.startswith(LOCAL)]


def _lines(asked: tuple[Requirement, ...]) -> str:
    return "".join(f"{' '.join(one.text.split())}\n" for one in asked)


def _pip_conf(recipe: EnvironmentRecipe, index: PackageIndex) -> str:
    address, others = _indexes(recipe, index)
    lines = ["[global]"]
    if address and (index.address or address != PUBLIC_INDEX):
        lines.append(f"index-url = {index.given(address)}")
    lines += _listed("extra-index-url", (index.given(one) for one in others if one != address))
    links = map(_links, _values(recipe, FIND_LINKS))
    lines += _listed("find-links", map(index.given, links))
    lines += [f"{flag.lstrip('-')} = true" for flag in FLAGS if _values(recipe, flag)]
    for name in FORMATS:
        if values := _values(recipe, name):
            lines.append(f"{name.lstrip('-')} = {','.join(values)}")
    host = urlsplit(index.address).netloc
    insecure = {host, urlsplit(index.address).hostname} & set(index.insecure_hosts)
    if insecure and index.address in (address, *others):
        lines.append(f"trusted-host = {host}")
    if index.certificates:
        lines.append(f"cert = /{BUILD_FILES}/ca.pem")
    return "".join(f"{line}\n" for line in lines)


def _indexes(recipe: EnvironmentRecipe, index: PackageIndex) -> tuple[str, list[str]]:
    """The index, empty where it is pip's own, and the others."""
    first = _values(recipe, INDEX)[-1:]  # of several the last counts, as with pip
    address = _address(first[0], index) if first else index.address
    return address, [_address(one, index) for one in _values(recipe, EXTRA_INDEX)]


def _values(recipe: EnvironmentRecipe, name: str) -> list[str]:
    """The values of an option, in their order; a flag has an empty one."""
    parts = (one.text.partition(" ") for one in recipe.options)
    return [value for option, _, value in parts if option == name]


def _address(asked: str, index: PackageIndex) -> str:
    """The public index is what the settings put in its place."""
    return (index.address or asked) if asked == PUBLIC_INDEX else asked


def _links(value: str) -> str:
    """A folder of the source is where pip runs."""
    path = value.removeprefix(LOCAL)
    return f"{pip_install.PLACE}/{path}" if value.startswith(LOCAL) else value


def _listed(name: str, values: Iterator[str]) -> list[str]:
    """One value on each line, as pip reads several."""
    found = list(dict.fromkeys(values))
    return [f"{name} =", *(f"    {value}" for value in found)] if found else []
