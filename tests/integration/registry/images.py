"""Images that tests put into the registry, in Docker's words, as an engine would push them."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from fairlead.api.model import ConfigMapSource, ModelSource
from fairlead.contract import IngestRequest, ModelLayer
from fairlead.images.environment_labels import PYTHON_LABEL
from fairlead.images.layers import Entry, compressed_layer
from fairlead.images.model_artifact import push
from fairlead.images.model_content import content_of
from fairlead.registry.client import Registry
from fairlead.registry.oci import (
    DOCKER_LAYER_GZIP,
    DOCKER_MANIFEST,
    PLATFORM,
    Descriptor,
    Manifest,
    descriptor,
    digest_of,
    written,
)
from fairlead.registry.reference import Repository, parse_repository

DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
HANDED_OVER = ModelSource(config_map=ConfigMapSource(name="m"))
"""The source of a model whose files are handed to the task."""


def push_image(
    registry: Registry,
    repository: Repository,
    tag: str,
    files: Mapping[str, bytes],
    labels: Mapping[str, str] | None = None,
) -> str:
    """Push an image of one layer; return its digest."""
    layer = compressed_layer([Entry(name, content) for name, content in files.items()], "")
    config = json.dumps(
        {
            "architecture": PLATFORM.architecture,
            "os": PLATFORM.os,
            "created": "2026-01-01T00:00:00Z",
            "config": {"Env": ["PATH=/opt/fairlead/env/bin:/bin"], "Labels": dict(labels or {})},
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id]},
            "history": [{"created": "2026-01-01T00:00:00Z", "created_by": "test"}],
        }
    ).encode()
    named = Descriptor(
        media_type=DOCKER_LAYER_GZIP, digest=layer.descriptor.digest, size=layer.descriptor.size
    )
    manifest = Manifest(
        media_type=DOCKER_MANIFEST, config=descriptor(DOCKER_CONFIG, config), layers=(named,)
    )
    registry.upload_bytes(repository, config)
    registry.upload_bytes(repository, layer.content)
    return registry.put_manifest(repository, tag, written(manifest), DOCKER_MANIFEST)


def push_environment(
    registry: Registry, repository: Repository, tag: str, python: str | None = "3.11.2"
) -> str:
    labels = {PYTHON_LABEL: python} if python else {}
    return push_image(registry, repository, tag, {"opt/fairlead/env/bin/python": b"#!"}, labels)


def push_model(
    registry: Registry, namespace: str, name: str, content: bytes, folder: Path
) -> ModelLayer:
    """Push version 1 of a Model of one file."""
    repository = parse_repository(f"{namespace}/fairlead/models/{name}")
    (folder / "model.pkl").write_bytes(content)
    model = content_of(folder, {"model.pkl": digest_of(content)}, name)
    request = IngestRequest(repository=str(repository), model_name=name, source=HANDED_OVER)
    version = push(registry, repository, 1, request, model, datetime.now(UTC))
    return ModelLayer(
        repository=str(repository),
        layer=version.layer,
        size=version.size_bytes,
        model_name=name,
        version=1,
        path=version.path,
    )
