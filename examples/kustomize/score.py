import json
import os
from pathlib import Path

greeting = ""


def init():
    global greeting
    [file] = [path for path in Path(os.environ["AZUREML_MODEL_DIR"]).rglob("*") if path.is_file()]
    greeting = file.read_text()


def run(data):
    return f"{greeting}, {json.loads(data)['name']}!"
