"""``CondaDependencies``: a conda file, made and changed in Python."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from fairlead.azureml.exceptions import InvalidConfigurationError

ENVIRONMENT_NAME = "project_environment"
SERVER_PACKAGE = "azureml-defaults"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class CondaDependencies:
    """The content of a conda file; without one, ``azureml-defaults`` for pip, as in v1.

    Raises ``InvalidConfigurationError`` where the file cannot be read.
    """

    def __init__(
        self,
        conda_dependencies_file_path: str | None = None,
        _underlying_structure: dict[str, Any] | None = None,
    ) -> None:
        if conda_dependencies_file_path is not None and _underlying_structure is not None:
            raise InvalidConfigurationError("Give a conda file or its content, not both.")
        self._channels: list[str] = []
        self._conda: list[str] = []
        self._pip_options: list[str] = []
        self._pip: list[str] = []
        self._others: dict[str, Any] = {"name": ENVIRONMENT_NAME}
        if conda_dependencies_file_path is not None:
            self._take(_read(Path(conda_dependencies_file_path)))
        elif _underlying_structure is not None:
            self._take(_underlying_structure)
        else:
            self._pip.append(SERVER_PACKAGE)

    @staticmethod
    def create(
        pip_indexurl: str | None = None,
        pip_packages: Iterable[str] | None = None,
        conda_packages: Iterable[str] | None = None,
        python_version: str | None = None,
        pin_sdk_version: bool = True,  # noqa: ARG004  (there is no SDK to pin)
    ) -> "CondaDependencies":
        """Without ``python_version`` it is the base image's Python; v1 wrote one of its own."""
        made = CondaDependencies()
        if pip_packages is not None:
            made.set_pip_requirements(pip_packages)
        if python_version is not None:
            made.set_python_version(python_version)
        for package in _texts(conda_packages, "conda_packages"):
            made.add_conda_package(package)
        if pip_indexurl is not None:
            made.set_pip_index_url(pip_indexurl)
        return made

    @property
    def conda_channels(self) -> Iterator[str]:
        return iter(self._channels)

    @property
    def conda_packages(self) -> Iterator[str]:
        return iter(self._conda)

    @property
    def pip_packages(self) -> Iterator[str]:
        return iter(self._pip)

    @property
    def pip_options(self) -> Iterator[str]:
        return iter(self._pip_options)

    @property
    def python_version(self) -> str | None:
        return self.get_python_version()

    def get_python_version(self) -> str | None:
        """As the file asks for it; None where it does not."""
        found = (one for one in self._conda if _package(one) == "python")
        text = next(found, None)
        return text[len("python") :].lstrip("= ") or None if text else None

    def set_python_version(self, version: str | None = None) -> None:
        self._conda = [one for one in self._conda if _package(one) != "python"]
        if version:
            self._conda.insert(0, f"python={version.removeprefix('python').lstrip('= ')}")

    def add_channel(self, channel: str) -> None:
        if channel not in self._channels:
            self._channels.append(channel)

    def remove_channel(self, channel: str) -> None:
        self._channels = [one for one in self._channels if one != channel]

    def add_conda_package(self, conda_package: str) -> None:
        """One of the same name is replaced."""
        self._conda = [*_without(self._conda, conda_package), _text(conda_package)]

    def remove_conda_package(self, conda_package: str) -> None:
        self._conda = _without(self._conda, conda_package)

    def add_pip_package(self, pip_package: str) -> None:
        """One of the same name is replaced."""
        self._pip = [*_without(self._pip, pip_package), _text(pip_package)]

    def remove_pip_package(self, pip_package: str) -> None:
        self._pip = _without(self._pip, pip_package)

    def set_pip_requirements(self, pip_requirements: Iterable[str]) -> None:
        """All of pip's packages."""
        self._pip = _texts(pip_requirements, "pip_packages")

    def set_pip_option(self, pip_option: str) -> None:
        name = pip_option.split()[0] if pip_option.split() else ""
        self._pip_options = [one for one in self._pip_options if one.split()[0] != name]
        self._pip_options.append(pip_option)

    def remove_pip_option(self, pip_option: str) -> None:
        self._pip_options = [one for one in self._pip_options if one.split()[0] != pip_option]

    def set_pip_index_url(self, index_url: str) -> None:
        url = index_url.removeprefix("--index-url").strip()
        self.set_pip_option(f"--index-url {url}")

    def as_dict(self) -> dict[str, Any]:
        """The file's content."""
        packages: list[Any] = list(self._conda)
        for_pip = [*self._pip_options, *self._pip]
        if for_pip:
            packages.append({"pip": for_pip})
        found = {**self._others, "dependencies": packages}
        return {**found, "channels": list(self._channels)} if self._channels else found

    def serialize_to_string(self) -> str:
        """The file's text."""
        import yaml

        return yaml.safe_dump(self.as_dict(), sort_keys=False, default_flow_style=False)

    def save(self, path: str | None = None) -> str:
        """Write the file, ``conda_dependencies.yml`` unless ``path`` says another one."""
        return self.save_to_file(".", path)

    def save_to_file(self, base_directory: str, conda_file_path: str | None = None) -> str:
        """Write the file below ``base_directory``, and return its path from there."""
        name = conda_file_path or "conda_dependencies.yml"
        path = Path(base_directory, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.serialize_to_string())
        return name

    def _take(self, content: dict[str, Any]) -> None:
        self._others.update(
            {key: one for key, one in content.items() if key not in ("dependencies", "channels")}
        )
        self._channels = [str(one) for one in content.get("channels") or ()]
        for one in content.get("dependencies") or ():
            if isinstance(one, dict):
                for_pip = [str(text) for text in one.get("pip") or ()]
                self._pip_options += [text for text in for_pip if text.startswith("-")]
                self._pip += [text for text in for_pip if not text.startswith("-")]
            else:
                self._conda.append(str(one))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CondaDependencies) and self.as_dict() == other.as_dict()

    __hash__ = None  # type: ignore[assignment]  # it changes


def _read(path: Path) -> dict[str, Any]:
    import yaml

    from fairlead.inputs.bounded_yaml import LOADER

    try:
        found = yaml.load(path.read_text("utf-8-sig"), Loader=LOADER)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError) as error:
        raise InvalidConfigurationError(f"The conda file {path} cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise InvalidConfigurationError(
            f"The conda file {path} is no conda file: it holds no mapping."
        )
    return found


def _package(text: str) -> str:
    """The name alone, of `numpy==1.15.4` or `conda-forge::numpy`."""
    found = _NAME.match(text.rpartition("::")[2].strip())
    return found.group().lower().replace("_", "-") if found else text


def _without(packages: list[str], package: str) -> list[str]:
    return [one for one in packages if _package(one) != _package(package)]


def _text(package: object) -> str:
    if not isinstance(package, str):
        raise InvalidConfigurationError(f"A package is named by a text, and {package!r} is none.")
    return package


def _texts(packages: Iterable[str] | None, what: str) -> list[str]:
    if isinstance(packages, str):
        raise InvalidConfigurationError(f"{what} is a list of texts, and {packages!r} is one text.")
    return [_text(one) for one in packages or ()]
