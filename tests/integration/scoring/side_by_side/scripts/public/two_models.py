# Two registered models: AZUREML_MODEL_DIR is their common folder.
import json
import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "source"))

from features import scaled


def init():
    global models
    root = os.getenv("AZUREML_MODEL_DIR")
    models = {}
    for folder, _, files in sorted(os.walk(root)):
        for name in files:
            models[os.path.relpath(os.path.join(folder, name), root)] = float(
                open(os.path.join(folder, name)).read()
            )


def run(data):
    request = json.loads(data)
    chosen = request.get("model", sorted(models)[0])
    return {"models": sorted(models), "result": models[chosen] * scaled(request["x"])}
