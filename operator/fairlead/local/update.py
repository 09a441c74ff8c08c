"""What `update` changes of what a service was asked for with. Pure."""

from collections.abc import Mapping

from fairlead.local.asked import Asked


def changed(
    asked: Asked, models: tuple[str, ...], variables: Mapping[str, str], memory: str | None
) -> Asked:
    """Models are replaced by their name, and variables by theirs; the others stay."""
    known = {_name(text): text for text in asked.models}
    known.update({_name(text): text for text in models})
    fields: dict[str, object] = {
        "models": tuple(known.values()),
        "variables": {**asked.variables, **variables},
    }
    if memory is not None:
        fields["memory"] = memory
    return asked.model_copy(update=fields)


def _name(text: str) -> str:
    return text.partition("=")[0].partition(":")[0]
