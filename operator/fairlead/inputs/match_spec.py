"""What stands in a conda file's ``dependencies``: match specs, read as far as it takes to tell them
apart and to know that the solver can read them."""

import re
from dataclasses import dataclass

MAX_SPEC_CHARS = 300  # characters of one spec
_COMMENT = re.compile(r"(?:^|\s)#.*", re.DOTALL)
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_CHANNEL = re.compile(
    r"(?:https?://)?[A-Za-z0-9_.-]+(?::[0-9]{1,5})?(?:/[A-Za-z0-9_.~%+-]+)*/?", re.IGNORECASE
)
_TOKEN = re.compile(r"(?:^|/)t/[^/\s]+(?:/|::|$)")
_REST = re.compile(r"(?:[\s=<>!~][\sA-Za-z0-9=<>!~*|,.+_()^$-]*)?(?:\[[^\[\]]*\])?")
_BRACKET_KEY = re.compile(r"(?:\[|,)\s*([a-z_]+)\s*=")
_BRACKET_KEYS = {"version", "build", "build_number", "channel", "subdir", "md5", "sha256"}
_ENDS_IN_NOTHING = re.compile(r"[=<>!~,|]\s*$|===|[<>!~]\s*[,|]")
_LOOSE = re.compile(r"[<>~*|,]|!=")
_ONE_VERSION = re.compile(r"[0-9][A-Za-z0-9.!+_-]*")


@dataclass(frozen=True)
class MatchSpec:
    """``channel::name rest``; ``channel`` is empty where any will do, ``name`` is lower case."""

    channel: str
    name: str
    rest: str

    @property
    def text(self) -> str:
        return f"{self.channel}::{self.name}{self.rest}" if self.channel else self.name + self.rest

    @property
    def pinned(self) -> bool:
        """Whether one version is asked for: ``=1.15.4`` with three numbers, or ``==``, or with a
        build."""
        if "[" in self.rest or _LOOSE.search(self.rest):
            return "==" in self.rest and not _LOOSE.search(self.rest)
        signs = len(self.rest) - len(self.rest.lstrip(" ="))
        version, *build = self.rest.replace("=", " ").split() or [""]
        if not _ONE_VERSION.fullmatch(version):
            return False
        fuzzy = self.rest[:signs].count("=") == 1
        return bool(build) or not fuzzy or version.count(".") > 1


def read_match_spec(text: str) -> MatchSpec:
    """Return the spec. Raises ``ValueError``, whose text completes "`x` …"."""
    bare = _COMMENT.sub("", text).strip()
    if len(bare) > MAX_SPEC_CHARS:
        raise ValueError("is too long")
    if "::" not in bare and re.match(r"[a-z]+://|.*\.(conda|tar\.bz2)$", bare):
        raise ValueError("is the address of a file; only packages of channels are installed")
    channel, _, rest = bare.rpartition("::") if "::" in bare.partition("[")[0] else ("", "", bare)
    if channel and not _CHANNEL.fullmatch(channel):
        raise ValueError("names no channel before `::`")
    name = _NAME.match(rest)
    version = rest[name.end() :].rstrip() if name else ""
    if name is None or not _REST.fullmatch(version) or _ENDS_IN_NOTHING.search(version):
        raise ValueError("is no package")
    unknown = set(_BRACKET_KEY.findall(version[version.find("[") :])) - _BRACKET_KEYS
    if "[" in version and unknown:
        raise ValueError(f"says {sorted(unknown)[0]}= in its brackets, which is not supported")
    return MatchSpec(channel, name[0].lower(), version)


def has_token(text: str) -> bool:
    """Whether a channel's address holds a key of its own (``/t/<token>/conda-forge``)."""
    return _TOKEN.search(text) is not None


def is_channel(text: str) -> bool:
    """Whether a text is a channel's name (``conda-forge/label/x``) or address."""
    return len(text) <= MAX_SPEC_CHARS and _CHANNEL.fullmatch(text) is not None
