import json
import time


def init() -> None:
    pass


def run(data: str) -> str:
    asked = json.loads(data)
    time.sleep(asked.get("seconds", 0) if isinstance(asked, dict) else 0)
    return data
