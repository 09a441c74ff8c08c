# Reads headers, by the documentation's case and by a client's.
import json


def init():
    pass


def run(data, request_headers):
    lower = {name.lower(): value for name, value in request_headers.items()}
    return {
        "method": "with headers",
        "request id": request_headers.get("X-Ms-Request-Id", "none"),
        "tenant": lower.get("x-tenant"),
        "user agent": request_headers.get("User-Agent"),
        "body": json.loads(data) if data else None,
    }
