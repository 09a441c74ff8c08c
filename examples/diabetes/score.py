import json

import joblib
import numpy as np
from azureml.core.model import Model


def init():
    global model
    model_path = Model.get_model_path("sklearn_regression_model.pkl")
    model = joblib.load(model_path)


def run(input_data):
    data = np.array(json.loads(input_data)["data"])
    result = model.predict(data)
    return json.dumps({"result": result.tolist()})
