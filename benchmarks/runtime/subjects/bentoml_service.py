"""BentoML, with one worker. Its own request log is off, as far as it goes."""

import bentoml
import score


@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class Score:
    @bentoml.api(route="/score")
    def score(self, data: list[int], sleep: float = 0, compute: float = 0) -> dict[str, int]:
        return score.total({"data": data, "sleep": sleep, "compute": compute})
