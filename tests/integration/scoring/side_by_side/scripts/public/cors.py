# Raw HTTP that answers preflights by itself.
import json

from azureml_inference_server_http.api.aml_request import AMLRequest, rawhttp
from azureml_inference_server_http.api.aml_response import AMLResponse


def init():
    pass


@rawhttp
def run(request: AMLRequest) -> AMLResponse:
    if request.method == "OPTIONS":
        resp = AMLResponse("", 200)
        resp.headers["Allow"] = "OPTIONS, GET, POST"
        resp.headers["Access-Control-Allow-Methods"] = "OPTIONS, GET, POST"
        resp.headers["Access-Control-Allow-Origin"] = "http://www.example.com"
        resp.headers["Access-Control-Allow-Headers"] = "*"
        return resp
    if request.method == "POST":
        try:
            body = json.loads(request.get_data().decode("utf-8"))
        except ValueError as e:
            return AMLResponse({"error": str(e)}, 400, json_str=True)
        if "text" not in body:
            return AMLResponse({"error": "missing text"}, 422, {"X-Reason": "text"}, json_str=True)
        resp = AMLResponse(json.dumps({"length": len(body["text"])}), 200)
        resp.headers["Access-Control-Allow-Origin"] = "http://www.example.com"
        return resp
    return AMLResponse("bad request", 500)
