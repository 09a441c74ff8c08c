"""A base image beside the environments of a namespace: for tasks that cannot read it elsewhere."""

from fairlead.registry.client import Registry
from fairlead.registry.reference import Repository


def keep_base(registry: Registry, base: Repository, digest: str, environments: Repository) -> str:
    """Copy the image into ``environments`` unless it is there; say what was done.

    It has a tag there, so that no registry collects it. Raises ``RegistryError``.
    """
    tag = f"base-{digest.removeprefix('sha256:')}"
    if registry.digest_of(environments, tag) == digest:
        return f"{environments}:{tag} is there already."
    manifest, described = registry.manifest(base, digest)
    for blob in (manifest.config, *manifest.layers):
        registry.copy_blob(base, environments, blob.digest)
    body = registry.manifest_body(base, digest)
    registry.put_manifest(environments, tag, body, described.media_type)
    return f"{base}@{digest} is copied to {environments}:{tag}."
