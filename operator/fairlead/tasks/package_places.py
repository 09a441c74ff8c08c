"""The addresses that an environment file names for pip: looked at before pip goes there.

pip runs beside foreign code, which goes where it likes; what keeps that from places is a
NetworkPolicy. But a line of a file alone shall lead nobody to a metadata service or the loopback.
"""

import re
from collections.abc import Iterator
from contextlib import suppress

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import EnvironmentRecipe, TaskFailure
from fairlead.finding import shown
from fairlead.inputs.pip_options import PUBLIC_INDEX, address
from fairlead.registry.addresses import AddressRefusedError, NamedHosts, connectable
from fairlead.requirement import Requirement
from fairlead.settings import Settings
from fairlead.tasks.failures import TaskFailedError

HTTPS_PORT = 443
_HOST = re.compile(r"https://([A-Za-z0-9.-]{1,253})(?::([0-9]{1,5}))?")


def refuse_places(recipe: EnvironmentRecipe, settings: Settings) -> None:
    """Raise ``TaskFailedError`` where a line of the files leads to a forbidden address. A name that
    we cannot resolve is left to pip, which may have a proxy for it."""
    named, seen = NamedHosts.of(settings), set[tuple[str, int]]()
    for asked, host, port in _places(recipe):
        place = (host, port)
        if place in seen:
            continue
        seen.add(place)
        try:
            with suppress(OSError):
                connectable(*place, named)
        except AddressRefusedError as error:
            raise TaskFailedError(_failure(asked, error)) from error


def _places(recipe: EnvironmentRecipe) -> Iterator[tuple[Requirement, str, int]]:
    addresses = ((option, address(option)) for option in recipe.options)
    # A constraint with an address is refused when it is read; a recipe may be older than that.
    named = ((one, one.text) for one in (*recipe.requirements, *recipe.constraints))
    for asked, text in (*addresses, *named):
        found = _HOST.search(text) if text != PUBLIC_INDEX else None
        if found:
            yield asked, found[1], int(found[2] or HTTPS_PORT)


def _failure(asked: Requirement, error: AddressRefusedError) -> TaskFailure:
    return TaskFailure(
        reason=Reason.PACKAGE_ADDRESS_REFUSED,
        class_=FailureClass.USER,
        message=f"{shown(asked.text)}; {error.host} {error}.",
        remedy=error.remedy,
        requirement=asked.text,
        retryable=not error.lasting,
    )
