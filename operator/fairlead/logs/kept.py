"""Logs that tasks have kept in the operator's own registry: no other is ever asked."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from fairlead.decide.image.build import pushed_to
from fairlead.redact import redacted_log
from fairlead.registry.errors import NotInRegistryError, RegistryError
from fairlead.registry.reference import InvalidReferenceError, parse_repository
from fairlead.settings import Settings

MAX_REGISTRY_READS_AT_ONCE = 2
Result = TypeVar("Result")


class LogUnreadableError(Exception):
    """The registry does not give the log now; the text says why."""


class KeptLogs:
    """Reads in threads of its own: a silent registry keeps nobody else waiting."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._threads = ThreadPoolExecutor(MAX_REGISTRY_READS_AT_ONCE, "build-logs")

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def is_ours(self, repository: str) -> bool:
        """Whether a repository, as the nodes name it, lies in the operator's own registry."""
        pushed = pushed_to(repository, self._settings)
        return pushed.startswith(f"{self._settings.push_registry}/")

    async def find(self, repository: str, tag: str, owner: str) -> str:
        """The log under ``tag`` of a repository of ours, if it is the owner's; empty where it has
        none. An object can name any repository, and must not read what another wrote there.

        Raises ``LogUnreadableError``.
        """
        pushed = pushed_to(repository, self._settings)
        return await self._in_thread(partial(self._find, pushed, tag, owner))

    def _find(self, repository: str, tag: str, owner: str) -> str:
        # What speaks to a registry is imported when the first log is read there: often, never.
        from fairlead.images.build_log import read_log
        from fairlead.registry.client import Registry

        try:
            with Registry(self._settings) as registry:
                log = read_log(registry, parse_repository(repository), tag)
        except NotInRegistryError:
            return ""
        except (RegistryError, InvalidReferenceError) as error:
            raise LogUnreadableError(str(error)) from error
        if owner not in log.owners:
            return ""
        return redacted_log(log.text.decode(errors="replace"))

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)
