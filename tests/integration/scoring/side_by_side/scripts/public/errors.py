# An undecorated script that signals errors with AMLResponse.
import json

from azureml.contrib.services.aml_response import AMLResponse


def init():
    pass


def run(mini_batch):
    try:
        request = json.loads(mini_batch)
    except json.JSONDecodeError as error:
        return AMLResponse(json.dumps({"error": f"not JSON: {error}"}), 400)
    if not isinstance(request, dict) or "id" not in request:
        return AMLResponse({"error": "id is required"}, 422, json_str=True)
    if request["id"] < 0:
        return json.dumps({"error": "id is negative"}), 400
    return {"id": request["id"]}
