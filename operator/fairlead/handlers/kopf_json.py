"""How kopf reads what the API server sends: as the rest of the operator does.

kopf has no setting for it, and a RecursionError in its parser ends the whole operator.
"""

from types import SimpleNamespace
from typing import Any

from kopf._cogs.clients import api

from fairlead.deep_json import read_json


def read_deep_json() -> None:
    """Have kopf read JSON of any depth, in lists and in watches."""
    api.json = SimpleNamespace(loads=_line)  # type: ignore[assignment, attr-defined]
    api.get = _get


def _line(text: str) -> Any:
    return read_json(text.encode())


async def _get(url: str, **params: Any) -> Any:
    response = await api.request(method="get", url=url, **params)
    async with response:
        return read_json(await response.read())
