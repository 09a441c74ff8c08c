"""Requests to a service, one after the other, for as long as a story goes on."""

import threading
from collections import Counter
from typing import Self

import httpx

from tests.plain_http import CLIENT

TIMEOUT_S = 10.0
PAUSE_S = 0.05


class Load:
    """A context manager; ``answers`` counts what came back, by status or by what went wrong."""

    def __init__(self, url: str, body: object = None) -> None:
        self.answers = Counter[str]()
        self._url = url
        self._body = {"data": [1]} if body is None else body
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._send, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _send(self) -> None:
        while not self._over.wait(PAUSE_S):  # a new connection each time, as most clients do
            try:
                answer = CLIENT.post(self._url, json=self._body, timeout=TIMEOUT_S)
                self.answers[str(answer.status_code)] += 1
            except httpx.HTTPError as error:
                self.answers[repr(error)] += 1
