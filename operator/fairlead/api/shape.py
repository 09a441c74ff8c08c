"""The shape of a text: one pattern, checked by the API server (CEL) and again where it is read.

An object that was stored before a rule existed, and a file that some other program wrote, passed no
API server: whoever reads them must not rely on it.
"""

import re
from functools import cached_property
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from fairlead.api.wire import rules


class Shape:
    """Metadata for ``Annotated[str, Field(max_length=…), Shape(…)]``.

    The whole text matches ``pattern``; ``never`` matches nowhere in it. Both are written in what
    RE2 and Python's ``re`` have in common, without single quotes, and take linear time in both.
    """

    def __init__(self, pattern: str, message: str, *, never: str | None = None) -> None:
        self._pattern, self._unwanted, self._message = pattern, never, message
        self._rule = f"self.matches({_cel(f'^{pattern}$')})"
        if never:
            self._rule += f" && !self.matches({_cel(never)})"

    def __get_pydantic_core_schema__(
        self, source: type[str], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(core), **rules((self._rule, self._message))}

    @cached_property
    def _whole(self) -> re.Pattern[str]:
        """Compiled when it is used first: most programs use few of all that they import."""
        return re.compile(self._pattern, re.ASCII)

    @cached_property
    def _never(self) -> re.Pattern[str] | None:
        return re.compile(self._unwanted, re.ASCII) if self._unwanted else None

    def _checked(self, text: str) -> str:
        if not self._whole.fullmatch(text) or (self._never and self._never.search(text)):
            raise ValueError(self._message)
        return text


class HiddenShape(Shape):
    """The same for what we wrote ourselves: no rule for the API server, which would cost time."""

    def __init__(self, pattern: str, *, never: str | None = None) -> None:
        super().__init__(pattern, f"does not match {pattern}", never=never)

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return dict(handler(core))


def _cel(pattern: str) -> str:
    """``pattern`` as a string of CEL; a raw one where it holds backslashes."""
    return f"{'r' if chr(92) in pattern else ''}'{pattern}'"
