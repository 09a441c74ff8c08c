"""KServe's Python server. Usage: kserve_server.py PORT"""

import sys
from typing import Any

import kserve
import score


class Score(kserve.Model):
    def predict(self, payload: dict[str, Any], headers: object = None) -> dict[str, int]:  # noqa: ARG002 - KServe's name
        return score.total(payload)


if __name__ == "__main__":
    model = Score("score")
    model.ready = True
    server = kserve.ModelServer(
        http_port=int(sys.argv[1]), workers=1, enable_grpc=False, enable_latency_logging=False
    )
    server.start([model])
