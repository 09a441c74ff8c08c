"""Which log is meant, the path it is served under, and the key that opens it. Pure.

A key is for one log: whoever may read the status that shows it may read that log and no other. It
is an HMAC over the log's path, so nothing is remembered, and every replica of the operator knows
it.
"""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass

from fairlead.api.meta import INFERENCE_IMAGE, MODEL

IMAGES, MODELS, ENVIRONMENTS = INFERENCE_IMAGE.plural, MODEL.plural, "environments"
PROFILE = "profile"  # begins what stands for a build in the name of the log of a profile
MIN_SECRET_BYTES = 16
KEY_BYTES = 24  # 192 bits
PURPOSE = b"fairlead build log v1\n"  # the secret signs nothing else that looks alike
LABEL_CHARS = 32

_NAME = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
BUILD = rf"(?:[1-9][0-9]{{0,9}}|{PROFILE}-[0-9a-f]{{16}})-[1-9][0-9]{{0,9}}"
"""The builds of an InferenceImage, and its profiles, which have logs alike."""
_PATH = re.compile(
    rf"/namespaces/(?P<namespace>{_NAME})/(?:"
    rf"{IMAGES}/(?P<image>{_NAME})/builds/(?P<build>{BUILD})|"
    rf"{MODELS}/(?P<model>{_NAME})/builds/(?P<fetch>[0-9a-f]{{16}}-[1-9][0-9]{{0,9}})|"
    rf"{ENVIRONMENTS}/(?P<environment>[0-9a-f]{{64}})/builds/(?P<attempt>[1-9][0-9]{{0,9}})"
    r")/log"
)


@dataclass(frozen=True)
class LogName:
    """The log of one attempt at a build: of an InferenceImage, of an environment that several
    share, or of fetching a Model."""

    namespace: str
    collection: str
    """``inferenceimages``, ``models`` or ``environments``."""
    owner: str
    """The object's name, or the environment's hash."""
    build: str
    """``<version>-<attempt>``, ``<16 digits of the source's hash>-<attempt>``, ``<attempt>``; of a
    profile ``profile-<16 digits of what is tried>-<attempt>``."""

    @property
    def path(self) -> str:
        return (
            f"/namespaces/{self.namespace}/{self.collection}/{self.owner}/builds/{self.build}/log"
        )

    @property
    def label(self) -> str:
        """Stands for the log on the Job that writes it, where a path is too long."""
        return hashlib.sha256(self.path.encode()).hexdigest()[:LABEL_CHARS]

    @property
    def tag(self) -> str:
        """The log's tag in its repository."""
        if self.collection == ENVIRONMENTS:
            return f"log-{self.owner}-{self.build}"
        return f"log-{self.build}"


def image_log(namespace: str, name: str, build: str) -> LogName:
    """The log of an InferenceImage's build."""
    return LogName(namespace, IMAGES, name, build)


def profile_build(key: str, attempt: int) -> str:
    """What stands for the build in the name of a profile's log; ``key``: what is tried."""
    return f"{PROFILE}-{key[:16]}-{attempt}"


def environment_log(namespace: str, hash_: str, attempt: int) -> LogName:
    """The log of an attempt at an environment."""
    return LogName(namespace, ENVIRONMENTS, hash_, str(attempt))


def model_log(namespace: str, name: str, key: str, attempt: int) -> LogName:
    """The log of an attempt to fetch a Model's source, which ``key`` stands for."""
    return LogName(namespace, MODELS, name, f"{key[:16]}-{attempt}")


def parse_path(path: str) -> LogName | None:
    """The log that a path means; None where it means none."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    if found["image"]:
        return image_log(found["namespace"], found["image"], found["build"])
    if found["model"]:
        return LogName(found["namespace"], MODELS, found["model"], found["fetch"])
    return environment_log(found["namespace"], found["environment"], int(found["attempt"]))


class LogKeys:
    """The keys of all logs. Raises ``ValueError`` for a secret that could be guessed."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < MIN_SECRET_BYTES:
            raise ValueError(f"it has {len(secret)} bytes, at least {MIN_SECRET_BYTES} are needed")
        self._secret = secret

    def of(self, name: LogName) -> str:
        """The key of one log: 32 characters that need no quoting in an address."""
        signed = hmac.digest(self._secret, PURPOSE + name.path.encode(), hashlib.sha256)
        return urlsafe_b64encode(signed[:KEY_BYTES]).decode()

    def opens(self, name: LogName, key: str) -> bool:
        """Whether ``key`` is the log's, in a time that says nothing about how much of it is."""
        return hmac.compare_digest(self.of(name).encode(), key.encode(errors="replace"))

    def address(self, base: str, name: LogName) -> str:
        """The address of a log with its key, at the server that is at ``base``."""
        return f"{base}{name.path}?key={self.of(name)}"
