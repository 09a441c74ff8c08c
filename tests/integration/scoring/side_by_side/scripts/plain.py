"""An undecorated script that returns, or raises, what its input names."""

import asyncio
import math
import sys


class Odd:
    pass


def generated():
    yield "a"


def raised(error):
    raise error


async def later():
    return 1


RESULTS = {
    "none": lambda _: None,
    "true": lambda _: True,
    "integer": lambda _: 10**30,
    "float": lambda _: 0.1,
    "text": lambda _: "text",
    "empty text": lambda _: "",
    "quoted": lambda _: 'a "quote", a \\ and a \n',
    "not ascii": lambda _: "é€\U0001f600\ud800",
    "list": lambda _: [1, [2.5, None], {"a": False}],
    "dictionary": lambda _: {"b": 1, "a": {"c": []}},
    "keys": lambda _: {1: "integer", None: "none", True: "true", 1.5: "float"},
    "tuple key": lambda _: {(1, 2): 3},
    "nan": lambda _: [math.nan, math.inf, -math.inf],
    "tuple": lambda _: ({"error": "bad"}, 400),
    "set": lambda _: {1},
    "bytes": lambda _: b"bytes",
    "object": lambda _: Odd(),
    "class": lambda _: Odd,
    "generator": lambda _: generated(),
    "coroutine": lambda _: later(),
    "large": lambda _: "x" * 300_000,
    "value error": lambda _: raised(ValueError("secret")),
    "key error": lambda _: {}["missing"],
    "assertion": lambda _: raised(AssertionError()),
    "stop": lambda _: raised(StopIteration()),
    "import error": lambda _: __import__("no_such_module"),
    "timeout": lambda _: raised(TimeoutError("a socket's")),
    "recursion": lambda _: RESULTS["recursion"](_),
    "exit": lambda _: sys.exit("enough"),
    "cancelled": lambda _: raised(asyncio.CancelledError()),
    "keyboard": lambda _: raised(KeyboardInterrupt()),
    "generator exit": lambda _: raised(GeneratorExit()),
    "base exception": lambda _: raised(BaseException("of its own")),
    "headers": lambda headers: [type(headers).__name__, headers],
    "no such header": lambda headers: headers["x-lower"],
}


def init():
    print("initialised")


def run(data, request_headers):
    print("data:", data[:20], sep="\t")
    if data in RESULTS:
        return RESULTS[data](request_headers)
    return {"type": type(data).__name__, "length": len(data), "data": data}
