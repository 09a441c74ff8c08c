# Text in, list of dictionaries out; takes a query as well as a body.
import json
import re


def init():
    global pattern
    pattern = re.compile(r"\w+")


def run(data):
    print(f"Received: {data!r:.40}")
    request = json.loads(data)
    inputs = request.get("inputs", "")
    if isinstance(inputs, str):
        inputs = [inputs]
    return [
        {"label": "LONG" if len(pattern.findall(text)) > 3 else "SHORT", "score": 0.5, "text": text}
        for text in inputs
    ]
