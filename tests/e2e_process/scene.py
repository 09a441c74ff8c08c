"""A scene under an operator that tests kill, and that uses the Docker Engine of this machine."""

import docker

from tests.e2e.scene import SceneUnder
from tests.e2e_process.operator_process import OperatorProcess


class Scene(SceneUnder[OperatorProcess]):
    def containers(self) -> list[str]:
        """The commands of all containers that run in Docker."""
        return [str(c.attrs["Config"]["Cmd"]) for c in docker.from_env().containers.list()]
