"""What a decision about a Model looks at."""

from fairlead.api.objects import Model
from fairlead.evidence import ModelEvidence
from fairlead.observe.context import ReconcileContext
from fairlead.observe.source import digests_of


async def observe_model(model: Model, context: ReconcileContext) -> ModelEvidence:
    source = model.spec.source.config_map
    files = None
    if source is not None:
        files = await context.config_maps.files(model.namespace, source.name)
    return ModelEvidence(
        model=model,
        files=files,
        digests=await digests_of(files or {}),
        tasks=context.runner.states(model.namespace),
        settings=context.settings,
        new_tasks=context.runner.positions_of_new(model.namespace),
        log_keys=context.log_keys,
    )
