"""``LocalWebservice``: a service of this machine, by the code of `fairlead local`."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairlead.azureml.code import code_of
from fairlead.azureml.deployment.local import LocalWebserviceDeploymentConfiguration
from fairlead.azureml.exceptions import InvalidConfigurationError, WebserviceException
from fairlead.azureml.inference_config import InferenceConfig
from fairlead.azureml.webservice import Webservice, answered, body_of, say
from fairlead.azureml.workspace import state_folder

if TYPE_CHECKING:
    from fairlead.azureml.workspace import Workspace
    from fairlead.local.asked import Asked
    from fairlead.local.errors import LocalError
    from fairlead.local.host import Keeper
    from fairlead.local.lifecycle import Lifecycle
    from fairlead.local.service import LocalService, Mode, Services

MODE_VARIABLE = "FAIRLEAD_LOCAL_CONTAINER"  # 0: in a virtual environment, where there is no Docker
DELETED, DEPLOYING, FAILED, RUNNING, UNKNOWN = (
    *("deleted", "deploying", "failed", "running", "unknown"),
)
STATES = {"Healthy": RUNNING, "Transitioning": DEPLOYING, "Failed": FAILED}
CRASHED = "Error: Container has crashed. Did your init method fail?"
NO_KEYS = "A local web service asks for no key."


class LocalWebservice(Webservice):
    """Raises ``WebserviceException`` where it is not there, unless ``must_exist`` is false."""

    compute_type = "LOCAL"

    def __init__(
        self, workspace: "Workspace", name: str, must_exist: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(workspace, name, **kwargs)
        if must_exist:
            self.update_deployment_state(must_exist=True)

    @staticmethod
    def deploy_configuration(port: int | None = None) -> LocalWebserviceDeploymentConfiguration:
        return LocalWebserviceDeploymentConfiguration(port)

    @staticmethod
    def all_of(workspace: "Workspace") -> list["LocalWebservice"]:
        """Every one on this machine: they belong to no workspace."""
        known = _services().all()
        return [LocalWebservice(workspace, one.name, must_exist=False) for one in known]

    @property
    def port(self) -> int | None:
        service = self._service()
        return service.port if service else None

    @property
    def scoring_uri(self) -> str | None:
        service = self._service()
        return service.scoring_uri if service else None

    @property
    def base_url(self) -> str | None:
        uri = self.scoring_uri
        return uri.removesuffix("/score") if uri else None

    @property
    def state(self) -> str:
        from fairlead.local.errors import LocalError
        from fairlead.local.standing import standing

        try:
            service = self._service()
            if service is None:
                return DELETED
            return STATES[standing(service, _keeper(service), _folder(self.name)).state]
        except LocalError:
            return UNKNOWN

    @property
    def error(self) -> dict[str, Any] | None:
        service = self._service()
        failed = service and service.failure and self.state != RUNNING
        return service.failure.to_wire() if service and service.failure and failed else None

    def update_deployment_state(self, must_exist: bool = False) -> None:
        """Raises ``WebserviceException`` where it must be there and is not."""
        if must_exist and self._service() is None:
            raise WebserviceException(
                f"WebserviceNotFound: No local web service '{self.name}' on this machine."
            )

    def wait_for_deployment(
        self, show_output: bool = False, timeout_sec: float | None = None
    ) -> None:
        """It was waited for by what made it; what kept it from coming up is raised here."""
        from fairlead.local.service import error_of

        del timeout_sec
        self._must_not_be("wait_for_deployment", DELETED)
        service = self._service()
        if self.state == RUNNING or service is None:
            if show_output:
                say(f"Local webservice is running at {self.base_url}\n")
            return
        say(self.get_logs())
        if service.failure:
            raise failed(error_of(service.failure), CRASHED)
        raise WebserviceException(f"{CRASHED} It has ended.")

    def run(self, input_data: Any = None, **kwargs: Any) -> Any:
        from fairlead.local.errors import LocalError
        from fairlead.local.scoring import score

        service = self._must_be("run", RUNNING)
        body = body_of(input_data, kwargs)
        try:
            answer = score(service, body, _keeper(service), _folder(self.name))
        except LocalError as error:
            raise failed(error, "Error: Scoring was unsuccessful.") from error
        return answered(answer.body)

    def get_logs(self, num_lines: int = 5000, init: bool = False, raw: bool = False) -> str:
        """Also of one that has ended. There is no init container on this machine."""
        from fairlead.local.errors import LocalError

        service = self._must_not_be("get_logs", DELETED)
        if init:
            return ""
        try:
            log = _keeper(service).log(service, _folder(self.name)).decode(errors="replace")
        except LocalError as error:
            raise failed(error) from error
        lines = log.splitlines(keepends=True)
        return log if raw else "".join(lines[-num_lines:] if num_lines else [])

    def reload(self, wait: bool = False) -> None:
        """Load the script again from where the configuration names it; the packages stay."""
        from fairlead.local.errors import LocalError
        from fairlead.local.lifecycle import left_words

        del wait  # it returns when the changed script serves
        self._must_not_be("reload", DELETED)
        try:
            done = _lifecycle().reload(self.name)
        except LocalError as error:
            raise failed(error, "Error: The script was not loaded.") from error
        if done.left:
            say(f"{left_words(done.left, self.name)} Here: service.update(...).\n")

    def update(
        self,
        models: Sequence[Any] | None = None,
        image_config: Any = None,
        deployment_config: LocalWebserviceDeploymentConfiguration | None = None,
        wait: bool = False,
        inference_config: InferenceConfig | None = None,
    ) -> None:
        """Take other models, packages or another port; what is not given stays.

        An ``InferenceConfig`` may come second, too.
        """
        self._must_not_be("update", DELETED)
        if image_config is not None and inference_config is not None:
            raise InvalidConfigurationError(
                "Error, unable to pass both an image_config and an inference_config to update."
            )
        config = inference_config or image_config
        if deployment_config is not None:
            _check_local(deployment_config)
        new = _asked(self.workspace, self.name, models or (), config) if config else None
        names = _named(self.workspace, models) if models is not None else None

        def change(asked: "Asked") -> "Asked":
            changed = new if new is not None else asked
            kept = names if names is not None else asked.models
            return changed.model_copy(update={"models": kept})

        port = deployment_config.port if deployment_config else None
        _kept_or_raised(self, lambda: _lifecycle().update(self.name, change, port))
        if wait:
            self.wait_for_deployment(show_output=True)

    def delete(
        self, delete_cache: bool = True, delete_image: bool = False, delete_volume: bool = True
    ) -> None:
        """Nothing of it is left, whatever is given."""
        from fairlead.local.errors import LocalError

        del delete_cache, delete_image, delete_volume
        self._must_not_be("delete", DELETED)
        try:
            _lifecycle().delete(self.name)
        except LocalError as error:
            raise failed(error) from error
        shutil.rmtree(_own_folder(self.name), ignore_errors=True)

    def get_keys(self) -> tuple[str, str]:
        raise NotImplementedError(NO_KEYS)

    def regen_key(self, key: str, set_key: str | None = None) -> None:
        del key, set_key
        raise NotImplementedError(NO_KEYS)

    def get_token(self) -> Any:
        raise NotImplementedError(NO_KEYS)

    get_access_token = get_token

    def serialize(self) -> dict[str, Any]:
        service = self._service()
        models = list(service.models) if service else []
        return {**super().serialize(), "port": self.port, "models": models}

    def has(self, model_name: str | None, model_id: str | None, image: str | None) -> bool:
        service = self._service()
        models = service.models if service else ()
        names = [one.partition(":")[0] for one in models]
        known = model_name in (None, *names) and model_id in (None, *models)
        return known and not image

    def _service(self) -> "LocalService | None":
        return _services().find(self.name)

    def _must_be(self, method: str, state: str) -> "LocalService":
        found, service = self.state, self._service()
        if found != state or service is None:
            why = f" {self.error['message']}" if self.error else ""
            raise WebserviceException(f"Cannot call {method}() when service is {found}.{why}")
        return service

    def _must_not_be(self, method: str, state: str) -> "LocalService":
        service = self._service()
        if service is None:
            raise WebserviceException(f"Cannot call {method}() when service is {state}.")
        return service


def deploy_here(
    workspace: "Workspace",
    name: str,
    models: Sequence[Any],
    config: Any,
    deployment: LocalWebserviceDeploymentConfiguration,
) -> LocalWebservice:
    """Raises ``WebserviceException`` where it cannot be made; one that does not come up is
    returned, and ``wait_for_deployment`` says why not."""
    _check_local(deployment)
    asked = _asked(workspace, name, models, config)
    service = LocalWebservice(workspace, name, must_exist=False)
    _kept_or_raised(service, lambda: _lifecycle().deploy(asked, _mode(), deployment.port))
    return service


def failed(error: "LocalError", begin: str = "") -> WebserviceException:
    """All that is known of it: reason, message, where, remedy, and the end of the log."""
    from fairlead.api.reasons import Reason

    found = error.finding
    lines = [begin, f"{found.reason}: {found.message}"]
    lines += [f"Where: {found.location}"] if found.location else []
    lines += [f"Remedy: {found.remedy}"] if found.remedy else []
    lines += ["Log:", error.log_tail] if error.log_tail else []
    if found.reason is Reason.ENGINE_UNREACHABLE:
        lines.append(f"From Python: os.environ['{MODE_VARIABLE}'] = '0' ({MODE_VARIABLE}=0).")
    raised = WebserviceException("\n".join(filter(None, lines)), inner_exception=error)
    raised.__cause__ = error
    return raised


def _kept_or_raised(service: LocalWebservice, work: Any) -> None:
    """Do the work. What was made and did not come up is there, with the reason."""
    from fairlead.local.errors import LocalError

    before = service._service()
    try:
        work()
    except LocalError as error:
        now = service._service()
        made = now is not None and (before is None or now.created_at != before.created_at)
        if now is None or not now.failure or not (made or now.failure != before_failure(before)):
            raise failed(error, _docker_words(error)) from error


def before_failure(before: "LocalService | None") -> Any:
    return before.failure if before else None


def _docker_words(error: "LocalError") -> str:
    """v1's words, which people search for."""
    from fairlead.api.reasons import Reason

    if error.finding.reason is Reason.ENGINE_UNREACHABLE:
        return "Failed to create Docker client. Is Docker running/installed?"
    return ""


def _asked(workspace: "Workspace", name: str, models: Sequence[Any], config: Any) -> "Asked":
    from fairlead.azureml.local_request import asked_of
    from fairlead.azureml.model_choice import on_this_machine

    code = code_of(config)
    return asked_of(name, code, on_this_machine(workspace, models), _own_folder(name))


def _named(workspace: "Workspace", models: Sequence[Any]) -> tuple[str, ...]:
    from fairlead.azureml.local_request import named
    from fairlead.azureml.model_choice import on_this_machine

    return named(on_this_machine(workspace, models))


def _check_local(deployment: Any) -> None:
    if not isinstance(deployment, LocalWebserviceDeploymentConfiguration):
        raise InvalidConfigurationError(
            "A local web service takes a LocalWebservice.deploy_configuration(...)."
        )
    deployment.validate_configuration()


def _own_folder(name: str) -> Path:
    return state_folder() / "services" / name


def _services() -> "Services":
    from fairlead.local.places import places
    from fairlead.local.service import Services

    return Services(places(os.environ))


def _folder(name: str) -> Path:
    from fairlead.local.places import places

    return places(os.environ).service(name)


def _keeper(service: "LocalService") -> "Keeper":
    from fairlead.local.hosts import keeper_of
    from fairlead.local.places import places

    return keeper_of(service.mode, places(os.environ))


def _lifecycle() -> "Lifecycle":
    from fairlead.azureml.printed import Printed
    from fairlead.local.lifecycle import Lifecycle
    from fairlead.local.places import places
    from fairlead.settings import Settings

    return Lifecycle(places(os.environ), Settings(), Printed())


def _mode() -> "Mode":
    from fairlead.local.service import Mode

    return Mode.MACHINE if os.environ.get(MODE_VARIABLE) == "0" else Mode.CONTAINER
