"""Outside of a cluster: the kubeconfig, with everything that it refers to, read anew each time."""

import asyncio
import base64
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config.kube_config import KubeConfigLoader, KubeConfigMerger

from fairlead.credentials.access import Access, access_of, reload_before, utc_now
from fairlead.credentials.exec_plugin import ExecCredential, run_exec_plugin

DEFAULT_FILE = Path("~/.kube/config")
REREAD_INTERVAL = timedelta(minutes=1)  # of a file with a token, which something else replaces


class KubeConfigReader:
    """Reads the current context of the files that ``KUBECONFIG`` names."""

    def __init__(self, files: str | None) -> None:
        self._files = files or str(DEFAULT_FILE.expanduser())
        self._provider: KubeConfigLoader | None = None  # it alone has the newest refresh token

    async def read(self) -> Access:
        """Raises what the library raises, ``OSError``, ``YAMLError`` and ``ExecPluginError``."""
        merged = await asyncio.to_thread(lambda: KubeConfigMerger(self._files).config)
        loader = self._provider or KubeConfigLoader(merged, config_base_path=None)
        self._provider = loader if loader.provider else None  # of an auth-provider
        user: Any = loader._user
        cluster: Any = loader._cluster
        expires_at = await _exec(user, cluster.value) if user and "exec" in user else None
        configuration = Configuration()
        await loader.load_and_set(configuration)
        return access_of(configuration, expires_at, _reload_at(user, expires_at))


async def _exec(user: Any, cluster: Any) -> datetime | None:
    """Put what the user's exec plugin gives in the place of its ``exec`` section."""
    folder = Path(user.path or "").absolute().parent
    credential = await run_exec_plugin(user.value.pop("exec"), folder, cluster)
    user.value.update(_as_user(credential))
    return credential.expires_at


def _as_user(credential: ExecCredential) -> dict[str, str]:
    if not (credential.certificate and credential.key):
        return {"token": str(credential.token)}
    pem = {"client-certificate-data": credential.certificate, "client-key-data": credential.key}
    encoded = {name: base64.b64encode(text.encode()).decode() for name, text in pem.items()}
    return encoded | ({"token": credential.token} if credential.token else {})


def _reload_at(user: Any, expires_at: datetime | None) -> datetime | None:
    if expires_at is not None:
        return reload_before(expires_at, utc_now())
    return utc_now() + REREAD_INTERVAL if user and "tokenFile" in user else None
