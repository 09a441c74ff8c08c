"""Raw HTTP under its old name, by star imports, in another file, and for no function of this one."""

from azureml.contrib.services.aml_request import *  # noqa: F403
from azureml.contrib.services.aml_response import *  # noqa: F403

import other


def init():
    assert other.marked


def run(request):
    seen = {"kind": isinstance(request, Request), "args": request.args.to_dict()}  # noqa: F405
    return AMLResponse(json.dumps(seen), 200, {"Content-Type": "application/json"})  # noqa: F405
