"""An exchange that answers from a script, for stores whose servers have fixed names."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fairlead.sources.exchange import Answer, Asked


@dataclass
class ScriptedExchange:
    """``answers``: the beginning of an address to status, headers and body."""

    answers: Mapping[str, tuple[int, Mapping[str, str], bytes]]
    asked: list[Asked] = field(default_factory=list)

    def read(self, asked: Asked, expect: frozenset[int] = frozenset({200})) -> tuple[Answer, bytes]:
        self.asked.append(asked)
        begins = next(begin for begin in self.answers if asked.url.startswith(begin))
        status, headers, body = self.answers[begins]
        assert status in expect
        return Answer(asked.what, status, headers, iter([body])), body

    def head(self, asked: Asked, expect: frozenset[int]) -> Answer:
        return self.read(asked, expect)[0]
