"""Where credentials come from: in a pod its ServiceAccount, elsewhere the kubeconfig."""

import os
from collections.abc import Awaitable, Callable, Mapping

from kubernetes.aio.config import ConfigException
from yaml import YAMLError

from fairlead.api.reasons import Reason
from fairlead.credentials.access import Access, Credentials
from fairlead.credentials.exec_plugin import ExecPluginError
from fairlead.credentials.kubeconfig import DEFAULT_FILE, KubeConfigReader
from fairlead.credentials.service_account import service_account_access
from fairlead.errors import StalledError

UNREADABLE = (  # the library's loaders raise whatever a file of another shape leads to
    *(ConfigException, ExecPluginError, YAMLError, OSError),
    *(AttributeError, KeyError, TypeError, ValueError),
)


def credentials_of(environment: Mapping[str, str] = os.environ) -> Credentials:
    """Credentials that are loaded when they are first asked for.

    Loading raises ``StalledError`` (Unauthorized) that names the source and what is wrong with it.
    """
    if "KUBERNETES_SERVICE_HOST" in environment:

        async def service_account() -> Access:
            return service_account_access(environment)

        return Credentials(_told("the pod's ServiceAccount", service_account))
    files = environment.get("KUBECONFIG")
    return Credentials(_told(files or str(DEFAULT_FILE), KubeConfigReader(files).read))


def _told(source: str, load: Callable[[], Awaitable[Access]]) -> Callable[[], Awaitable[Access]]:
    async def loaded() -> Access:
        try:
            return await load()
        except UNREADABLE as error:
            why = str(error) or type(error).__name__
            message = (
                f"There are no credentials for the Kubernetes API in {source}: {why}. "
                "Correct it, or let KUBECONFIG name another file."
            )
            raise StalledError(Reason.UNAUTHORIZED, message) from error

    return loaded
