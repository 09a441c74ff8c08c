# The classic mistake: a NumPy number is not JSON.
import json

import numpy as np


def init():
    pass


def run(data):
    values = np.array(json.loads(data)["data"])
    kind = json.loads(data).get("kind")
    return {"int64": values.max, "float64": lambda: float(values.mean()), "array": lambda: values}[
        kind
    ]()
