# Returns json.dumps(...): clients get a JSON string and decode twice.
import json
import logging
import os
import time


def init():
    global model, started
    started = time.time()
    model_path = os.path.join(os.getenv("AZUREML_MODEL_DIR"), "model.json")
    print("model path is " + model_path)
    with open(model_path) as f:
        model = json.load(f)
    logging.info("Init complete")


def run(raw_data):
    logging.info("model 1: request received")
    data = json.loads(raw_data)["data"]
    result = [sum(a * b for a, b in zip(row, model["weights"])) for row in data]
    logging.info("Request processed")
    return json.dumps({"result": result, "model": model["name"]})
