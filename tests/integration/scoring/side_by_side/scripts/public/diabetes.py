# The tutorial's regression service: the body is {"data": [[...10 numbers...], ...]}.
import json
import os
import pickle

import numpy as np


def init():
    global model
    # AZUREML_MODEL_DIR is created during deployment: azureml-models/<name>/<version>
    model_path = os.path.join(os.getenv("AZUREML_MODEL_DIR"), "sklearn_regression_model.pkl")
    with open(model_path, "rb") as f:
        model = pickle.load(f)


# note you can pass in multiple rows for scoring
def run(raw_data):
    try:
        data = json.loads(raw_data)["data"]
        data = np.array(data)
        result = data @ np.array(model["coef"]) + model["intercept"]
        # you can return any data type as long as it is JSON-serializable
        return result.tolist()
    except Exception as e:
        error = str(e)
        return error
