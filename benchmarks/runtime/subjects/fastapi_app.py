"""FastAPI, in both ways that its documentation has: in its thread pool, and on the event loop."""

from typing import Any

import score
from fastapi import FastAPI

app = FastAPI()


@app.post("/score")
def in_thread(request: dict[str, Any]) -> dict[str, int]:
    return score.total(request)


@app.post("/score-on-the-loop")
async def on_the_loop(request: dict[str, Any]) -> dict[str, int]:
    return score.total(request)


@app.get("/")
async def health() -> str:
    return "Healthy"
