# Raw HTTP with an image as a form's file, as in the documentation.
import json
import struct

from azureml.contrib.services.aml_request import AMLRequest, rawhttp
from azureml.contrib.services.aml_response import AMLResponse


def init():
    print("This is init()")


def size_of_png(content):
    if content[:8] != b"\x89PNG\r\n\x1a\n":
        raise IOError("cannot identify image file")
    return struct.unpack(">II", content[16:24])


@rawhttp
def run(request):
    print("This is run()")

    if request.method == "GET":
        # For this example, just return the URL for GETs.
        respBody = str.encode(request.full_path)
        return AMLResponse(respBody, 200)
    elif request.method == "POST":
        if "image" in request.files:
            file_bytes = request.files["image"].read()
        else:
            file_bytes = request.get_data(False)
        return AMLResponse(json.dumps(size_of_png(file_bytes)), 200)
    else:
        return AMLResponse("bad request", 500)
