# Keras/PyTorch style: preprocess, predict, arg max, label.
import json
import os

import numpy as np

classes = None
weights = None


def init():
    global classes, weights
    root = os.environ["AZUREML_MODEL_DIR"]
    classes = [line.strip() for line in open(os.path.join(root, "labels.txt"))]
    weights = np.loadtxt(os.path.join(root, "weights.csv"), delimiter=",")


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def run(input_data):
    input_data = np.array(json.loads(input_data)["data"], dtype=np.float64)
    scores = softmax(weights @ input_data)
    index = np.argmax(scores)
    return {"label": classes[int(index)], "probability": str(round(float(scores[index]), 6))}
