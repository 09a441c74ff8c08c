"""Generated drivers look like this: they pass on what they are called with."""

import types

driver_module = types.ModuleType("scorer")
driver_module.__file__ = __file__


def driven(raw, request_headers):
    return ["driven", raw, request_headers["X-A"]]


driver_module.run = driven


def init():
    pass


def run(data):
    return ["driver", data]
