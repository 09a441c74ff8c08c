"""Forms of real files, spoilt at random: each ends in manifests, or in a list of problems."""

import json
import random
import shlex
from pathlib import Path

import pytest

from fairlead.v1files.conversion import convert
from fairlead.v1files.emit import as_files, as_text, objects
from tests.golden.test_v1files import FORMS, RESULT, sections, specs
from tests.unit.v1files.memory_tree import MemoryTree

CASES = 20  # of each form
VALUES: tuple[object, ...] = (
    *(None, True, False, 0, -1, 1e400, 10**30, "", "x" * 3000, "\x00\x1b[31m", "ü/\\", "="),
    *("../..", "/etc/passwd", "https://u:p@h/x", [], {}, {"a": {"b": [1]}}, [[[]]]),
)
WORDS = ("-", "--", "", "-m", "--tag", "a=b", "=", "--dc", "-n", "\x00", "--es=", "--model==", "..")


def spoilt(value: object, chance: random.Random) -> object:
    """The same with one value changed, gone or added, wherever."""
    if not isinstance(value, dict) or not value or chance.random() < 0.2:
        return chance.choice(VALUES)
    key = chance.choice(sorted(value))
    rest = {name: one for name, one in value.items() if name != key}
    return chance.choice(
        (rest, {**value, chance.choice(("x", "", "\n", "keys")): chance.choice(VALUES)})
        if chance.random() < 0.3
        else ({**value, key: spoilt(value[key], chance)},)
    )


def with_other_bytes(text: str, chance: random.Random) -> bytes:
    content = bytearray(text.encode())
    for _ in range(chance.randint(1, 6) if content else 0):
        content[chance.randrange(len(content))] = chance.randrange(256)
    return bytes(content)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.stem)
def test_nothing_that_is_spoilt_ends_the_program(form: Path) -> None:
    chance = random.Random(form.stem)
    for _ in range(CASES):
        command, texts = sections(form.read_text())
        files = dict[str, str | bytes](texts)
        del files[RESULT]
        name = chance.choice(sorted(files))
        try:
            files[name] = json.dumps(spoilt(json.loads(texts[name]), chance))
        except ValueError:  # no JSON, to begin with
            files[name] = with_other_bytes(texts[name], chance)
        words = shlex.split(command)
        words[chance.randrange(len(words))] = chance.choice((*words, *WORDS))
        converted = convert(words, MemoryTree(files))
        as_files(converted, "out")
        as_text(objects(converted))
        assert bool(list(specs(converted))) != bool(converted.notes.problems)
