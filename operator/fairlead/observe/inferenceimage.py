"""What a decision about an InferenceImage looks at."""

from collections.abc import Mapping

from fairlead.api.meta import MODEL
from fairlead.api.objects import InferenceImage, Model, read_model
from fairlead.evidence import ImageEvidence
from fairlead.inputs.source import ParsedSource
from fairlead.observe.context import ReconcileContext
from fairlead.observe.references import Key
from fairlead.observe.source import digests_of, parsed_source


async def observe_image(image: InferenceImage, context: ReconcileContext) -> ImageEvidence:
    files = await _files(image, context)
    digests = await digests_of(files or {})
    unread = files is None or image.spec.source.is_fetched  # what is fetched a task reads
    parsed = None if unread else await _parsed(image, files or {}, context)
    names = [model.name for model in image.spec.models]
    return ImageEvidence(  # what follows was seen at one moment
        image=image,
        models={name: _model(image.namespace, name, context) for name in names},
        files=files,
        digests=digests,
        parsed=parsed,
        tasks=context.runner.states(image.namespace),
        settings=context.settings,
        new_tasks=context.runner.positions_of_new(image.namespace),
        log_keys=context.log_keys,
    )


def _model(namespace: str, name: str, context: ReconcileContext) -> Model | None:
    body = context.cache.object(Key(MODEL, namespace, name))
    return None if body is None else read_model(body)


async def _parsed(
    image: InferenceImage, files: Mapping[str, bytes], context: ReconcileContext
) -> ParsedSource:
    return await parsed_source(image, files, context.parsers, context.settings)


async def _files(image: InferenceImage, context: ReconcileContext) -> Mapping[str, bytes] | None:
    source = image.spec.source
    if source.is_fetched:
        return {}
    if source.inline is not None:
        return {path: text.encode() for path, text in source.inline.files.items()}
    name = source.config_map.name if source.config_map else ""
    return await context.config_maps.files(image.namespace, name)
