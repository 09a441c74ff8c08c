"""Channels: the address that stands for one, and where it really is. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fairlead.inputs.match_spec import read_match_spec
from fairlead.registry.oci import PLATFORM
from fairlead.requirement import CondaRecipe, Requirement

PUBLIC = "https://conda.anaconda.org"
ANY = "*"
_NATIVE = {"amd64": "linux-64", "arm64": "linux-aarch64"}
NATIVE = _NATIVE.get(PLATFORM.architecture, f"linux-{PLATFORM.architecture}")
"""The folder of a channel with what runs on this machine."""
SUBDIRS = (NATIVE, "noarch")


@dataclass(frozen=True)
class Channel:
    """``address`` is the same whatever mirror is used; ``mirror`` is what is fetched from."""

    asked: Requirement
    address: str
    mirror: str

    def shown(self, fetched: str) -> str:
        """What was fetched, as it may be shown: where mirrors lie is nobody's business, and their
        addresses may be keys."""
        if fetched == self.mirror or fetched.startswith(f"{self.mirror}/"):
            return self.address + fetched.removeprefix(self.mirror)
        return fetched if self.mirror == self.address else self.address


def channels_of(conda: CondaRecipe, mirrors: Mapping[str, str]) -> list[Channel]:
    """The channels in their order; those that only a ``channel::package`` names come last."""
    found = dict[str, Channel]()
    for asked in (*conda.channels, *_named_by_specs(conda.packages)):
        address = channel_address(asked.text)
        mirror = _mirror(asked.text, address, mirrors)
        found.setdefault(address, Channel(asked, address, mirror))
    return list(found.values())


def channel_address(text: str) -> str:
    """``conda-forge`` as an address; a folder of one platform at its end is left out."""
    bare = text.rstrip("/")
    for subdir in (*_NATIVE.values(), "noarch"):
        bare = bare.removesuffix(f"/{subdir}")
    return bare if "://" in bare else f"{PUBLIC}/{bare}"


def _mirror(text: str, address: str, mirrors: Mapping[str, str]) -> str:
    name = address.removeprefix(f"{PUBLIC}/")
    for known, mirror in mirrors.items():
        if known in (text.rstrip("/"), name):
            return mirror.rstrip("/")
    if ANY in mirrors and "://" not in name:
        return f"{mirrors[ANY].rstrip('/')}/{name}"
    return address


def _named_by_specs(packages: Iterable[Requirement]) -> Iterable[Requirement]:
    for package in packages:
        channel = read_match_spec(package.text).channel
        if channel:
            yield Requirement(text=channel, line=package.line)
