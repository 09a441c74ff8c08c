# Tokens as server-sent events.
import json

from azureml_inference_server_http.api.aml_request import rawhttp
from azureml_inference_server_http.api.aml_response import AMLResponse


def init():
    pass


@rawhttp
def run(request):
    prompt = request.get_json(force=True)["prompt"]

    def tokens():
        for word in prompt.split():
            yield f"data: {json.dumps({'token': word})}\n\n"
        yield "data: [DONE]\n\n"

    return AMLResponse(
        tokens(), 200, {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
    )
