"""Files that cost whoever reads them as much as they can, within the bounds of what is taken in."""

from collections.abc import Iterator, Mapping
from typing import Any

KIB = 1024
SCRIPT = b"def init(): ...\ndef run(data): ...\n"
CONDA_HEAD = "dependencies:\n- python=3.11\n- pip:\n"


def alias_bomb(levels: int) -> str:
    """Each list holds nine times the one before: nine to the power of ``levels`` entries."""
    lists = [f"- &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(["dependencies:", f"- &a0 [{', '.join(['x'] * 9)}]", *lists])


def conda_files() -> Iterator[str]:
    for levels in (3, 5, 9, 200, 1000):
        yield alias_bomb(levels)
    for opening in ("[", "{a: ", "- ", "? ", "a:\n "):
        yield (opening * 128 * KIB)[: 128 * KIB]
    yield "dependencies: [" + "x," * (60 * KIB) + "]"
    yield CONDA_HEAD + "  - a\n" * (20 * KIB)
    yield CONDA_HEAD + f"  - {'a' * (127 * KIB)}\n"
    yield f"dependencies: ['python{'>=3.10,' * (17 * KIB)}']"
    yield "dependencies:\n" + "- lib=1\n" * (15 * KIB)
    yield "a: &" + "b" * (127 * KIB)
    yield "".join(f"k{number}: 1\n" for number in range(12 * KIB))


def requirements_files() -> Iterator[str]:
    yield "a\n" * 100_000
    yield "a\n" * (60 * KIB)
    yield "-e .\n" * (25 * KIB)
    yield "x" + " " * (127 * KIB) + "y"
    yield " " * (127 * KIB) + "#"
    yield "a;" + "(" * (127 * KIB)
    yield "a" + "[" * (127 * KIB)
    yield "a --hash=sha256:" + "0" * (127 * KIB)
    yield "a" + " --hash=sha256:0" * (8 * KIB)
    yield "\\\n" * (63 * KIB)
    yield "/".join(["a"] * (60 * KIB))
    yield "=".join(["1"] * (60 * KIB))
    yield "\n".join("https://a:b@c/" + "@" * 900 for _ in range(140))


def steps_files() -> Iterator[str]:
    yield "x\n" * (15 * KIB)
    yield "RUN " + "\\" * (31 * KIB)
    yield "RUN " + " 1" * (15 * KIB) + "<"
    yield 'SHELL ["' + '", "' * (7 * KIB)
    yield "ENV " + "a" * (31 * KIB)


def scripts() -> Iterator[bytes]:
    for terms in (600, 2000, 6000, 60_000):
        yield b"x = " + b" + ".join([b"1"] * terms)
    yield b"x;" * (60 * KIB)
    yield b"x = [" + b"1," * (100 * KIB) + b"]"
    yield b"-" * (255 * KIB) + b"1"
    yield b"(" * (255 * KIB)
    yield b"a" + b".b" * (120 * KIB)
    yield b"@a\n" * (40 * KIB) + SCRIPT
    yield b"# coding: utf-7\n" + b"+" * (250 * KIB)
    yield b"'" + b"a" * (1000 * KIB)
    yield b"\xff" * (1000 * KIB)
    yield b"x = " + b"9" * (250 * KIB)


def sources() -> Iterator[tuple[Mapping[str, bytes], dict[str, Any]]]:
    """Each a source (path to content) and the fields of a spec that name what is hostile in it."""
    for text in conda_files():
        yield {"score.py": SCRIPT, "my.yml": text.encode()}, {"condaFile": "my.yml"}
    for text in requirements_files():
        yield {"score.py": SCRIPT, "r.txt": text.encode()}, {"requirementsFile": "r.txt"}
    for text in steps_files():
        yield {"score.py": SCRIPT, "steps": text.encode()}, {"dockerFile": "steps"}
    for script in scripts():
        yield {"score.py": script}, {}
    yield {"score.py": SCRIPT, **{f"{'x' * 200}{n}": b"" for n in range(498)}}, {"condaFile": "y"}
