"""``LocalWebservice.deploy_configuration``: a port of this machine."""

from dataclasses import dataclass

from fairlead.azureml.exceptions import InvalidConfigurationError

HIGHEST_PORT = 65535


@dataclass
class LocalWebserviceDeploymentConfiguration:
    """None: 8890, or the next port that is free. Raises ``InvalidConfigurationError``."""

    port: int | None = None

    def __post_init__(self) -> None:
        self.validate_configuration()

    def validate_configuration(self) -> None:
        whole = isinstance(self.port, int) and not isinstance(self.port, bool)
        if self.port is not None and not (whole and 1 <= self.port <= HIGHEST_PORT):
            raise InvalidConfigurationError(
                "Invalid configuration, port must be an integer in range [1, 65535]"
            )
