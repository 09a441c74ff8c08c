"""How many layers an image may have: counted before any is pushed. Pure."""

from collections.abc import Mapping

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import TaskFailure
from fairlead.finding import listed
from fairlead.images.assembly import MAX_LAYERS, OWN_LAYERS
from fairlead.tasks.failures import TaskFailedError

MOST_NAMED = 3  # models, of those with the most layers


def check_layers(environment: int, models: Mapping[str, int]) -> None:
    """Raise ``TaskFailedError`` where no node could mount the image; ``models``: the layers of
    each, by name and version."""
    without_models = environment + OWN_LAYERS
    if without_models > MAX_LAYERS:
        raise TaskFailedError(_environment_has_too_many(environment))
    if without_models + sum(models.values()) > MAX_LAYERS:
        raise TaskFailedError(_models_have_too_many(environment, models))


def _environment_has_too_many(environment: int) -> TaskFailure:
    return TaskFailure(
        reason=Reason.ENVIRONMENT_UNFIT,
        class_=FailureClass.USER,
        message=f"The environment's image has {environment} layers, and Fairlead adds "
        f"{OWN_LAYERS}: nodes mount an image of at most {MAX_LAYERS}.",
        remedy="Ask for a base image with fewer layers (spec.baseImage), or join steps of the "
        "Dockerfile: each RUN and each COPY is a layer.",
    )


def _models_have_too_many(environment: int, models: Mapping[str, int]) -> TaskFailure:
    most_first = sorted(models.items(), key=lambda model: (-model[1], model[0]))
    total = environment + OWN_LAYERS + sum(models.values())
    return TaskFailure(
        reason=Reason.INVALID_SPEC,
        class_=FailureClass.USER,
        message=f"The image would have {total} layers, and nodes mount one of at most "
        f"{MAX_LAYERS}: the environment has {environment}, the runtime and the code {OWN_LAYERS}, "
        f"the models {sum(models.values())}: "
        f"{listed([f'{count} of {name}' for name, count in most_first], MOST_NAMED)}.",
        remedy="Name fewer models in spec.models, or models with fewer files of more than 1 GiB, "
        "each of which is a layer of its own; a model that is one archive, without spec.unpack of "
        "the Model, is one layer, and the script unpacks it.",
    )
