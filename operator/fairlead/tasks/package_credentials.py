"""The Secret of ``spec.build.packageSecretRef``, as the kubelet mounts it: a ``.netrc``.

What is in it is sent to the hosts that it names and to no other, by our own container alone, to
conda's channels and for pip (`fairlead.engines.index_proxy`): where foreign code runs it is not
mounted. Whoever may name the Secret, and may not read it, cannot have
it sent elsewhere.
"""

import netrc
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import TaskFailure
from fairlead.job_request import CREDENTIALS_FOLDER, PACKAGES, PACKAGES_KEY
from fairlead.registry.addresses import DEFAULT_PORTS, NamedHosts
from fairlead.tasks.failures import TaskFailedError

MAX_BYTES = 64 * 1024
Headers = dict[bytes | str, bytes | str]


@dataclass(frozen=True)
class PackageCredentials:
    """``basic``: user and password of each ``host`` or ``host:port``, as HTTP sends them."""

    named: NamedHosts
    basic: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(
        cls, named: NamedHosts, folder: Path = Path(CREDENTIALS_FOLDER, PACKAGES)
    ) -> "PackageCredentials":
        """Without a Secret there are none. Raises ``TaskFailedError`` where it cannot be used."""
        if not folder.is_dir():
            return cls(named)
        file = folder / PACKAGES_KEY
        try:
            with file.open("rb") as opened:
                if len(opened.read(MAX_BYTES + 1)) > MAX_BYTES:
                    raise _invalid(f"has more than {MAX_BYTES:,} bytes under {PACKAGES_KEY}")
            hosts = netrc.netrc(str(file)).hosts
        except FileNotFoundError as error:
            raise _invalid(f"has no key {PACKAGES_KEY}") from error
        except (netrc.NetrcParseError, UnicodeDecodeError) as error:
            # What the parser says may repeat a password.
            raise _invalid(f"has something under {PACKAGES_KEY} that is no netrc file") from error
        found = {
            host.lower(): _basic(login, password or "")
            for host, (login, _, password) in hosts.items()
            if host != "default"
        }
        if not found:
            raise _invalid(f"names no machine under {PACKAGES_KEY}")
        return cls(named, found)

    def headers(self, address: str) -> Headers:
        """What is sent with a request to an address: nothing without TLS, unless the operator's
        settings allow that host to be spoken to without. A host without a port is meant at the
        scheme's own: whoever listens on another may be somebody else."""
        parts = urlsplit(address)
        usual = DEFAULT_PORTS.get(parts.scheme, 0)
        host, port = parts.hostname or "", parts.port or usual
        if parts.scheme != "https" and not self.named.allows_plain(host, port):
            return {}
        found = self.basic.get(f"{host}:{port}")
        if found is None and port == usual:
            found = self.basic.get(host)
        return {"Authorization": found} if found else {}


def _basic(login: str, password: str) -> str:
    return "Basic " + b64encode(f"{login}:{password}".encode()).decode()


def _invalid(why: str) -> TaskFailedError:
    return TaskFailedError(
        TaskFailure(
            reason=Reason.CREDENTIALS_INVALID,
            class_=FailureClass.AUTH,
            message=f"The Secret of spec.build.packageSecretRef {why}.",
            remedy="Write `machine <host> login <user> password <password>` for each host under "
            f"{PACKAGES_KEY}, or leave the field out. It is tried again.",
            retryable=True,
        )
    )
