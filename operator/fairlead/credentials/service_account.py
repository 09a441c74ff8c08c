"""In a pod: the ServiceAccount's token and certificate authority, as the kubelet mounts them."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config.incluster_config import (
    SERVICE_CERT_FILENAME,
    SERVICE_TOKEN_FILENAME,
    InClusterConfigLoader,
)

from fairlead.credentials.access import Access, access_of, utc_now

REREAD_INTERVAL = timedelta(minutes=1)  # the kubelet replaces a token long before it expires


def service_account_access(
    environment: Mapping[str, str],
    token: Path = Path(SERVICE_TOKEN_FILENAME),
    ca: Path = Path(SERVICE_CERT_FILENAME),
) -> Access:
    """Read both files. Raises ``ConfigException`` or ``OSError``."""
    configuration = Configuration()
    InClusterConfigLoader(
        str(token), str(ca), try_refresh_token=False, environ=environment
    ).load_and_set(configuration)
    return access_of(configuration, reload_at=utc_now() + REREAD_INTERVAL)
