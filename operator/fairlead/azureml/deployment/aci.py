"""``AciWebservice.deploy_configuration``: one replica; the first problem is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fairlead.azureml.exceptions import InvalidConfigurationError


@dataclass
class AciServiceDeploymentConfiguration:
    """Raises ``InvalidConfigurationError``."""

    cpu_cores: float | None = None
    memory_gb: float | None = None
    tags: Mapping[str, Any] | None = None
    properties: Mapping[str, Any] | None = None
    description: str | None = None
    location: str | None = None
    auth_enabled: bool | None = None
    ssl_enabled: bool | None = None
    enable_app_insights: bool | None = None
    ssl_cert_pem_file: str | None = None
    ssl_key_pem_file: str | None = None
    ssl_cname: str | None = None
    dns_name_label: str | None = None
    primary_key: str | None = field(default=None, repr=False)
    secondary_key: str | None = field(default=None, repr=False)
    collect_model_data: bool | None = None
    cmk_vault_base_url: str | None = None
    cmk_key_name: str | None = None
    cmk_key_version: str | None = None
    vnet_name: str | None = None
    subnet_name: str | None = None

    def __post_init__(self) -> None:
        self.validate_configuration()

    def validate_configuration(self) -> None:
        """Again, after attributes were changed."""
        for name in ("cpu_cores", "memory_gb"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise InvalidConfigurationError(f"Invalid configuration, {name} must be positive.")
        self._check_ssl()
        managed = (self.cmk_vault_base_url, self.cmk_key_name, self.cmk_key_version)
        if any(managed) and not all(managed):
            raise InvalidConfigurationError(
                "customer-managed key values cmk_vault_base_url, cmk_key_name and cmk_key_version "
                "must all have values or all are empty/null"
            )
        if bool(self.vnet_name) != bool(self.subnet_name):
            raise InvalidConfigurationError(
                "vnet_name and subnet_name must all have values or both are empty/null"
            )

    def _check_ssl(self) -> None:
        if not self.ssl_enabled:
            return
        if not (self.ssl_cert_pem_file and self.ssl_key_pem_file and self.ssl_cname):
            raise InvalidConfigurationError(
                "SSL is enabled, you must provide a SSL certificate, key, and cname."
            )
        for what, path in (("cert", self.ssl_cert_pem_file), ("key", self.ssl_key_pem_file)):
            if not Path(path).exists():
                raise InvalidConfigurationError(
                    f"Error, unable to find SSL {what} pem file provided paths:\n{path}"
                )
