"""The Secrets that nodes pull a Webservice's image with: names, nothing else is known of them."""

from fairlead.evidence import WebserviceEvidence


def own_pull_secret(evidence: WebserviceEvidence) -> str | None:
    """The Secret that the image has of its own, if it has one.

    Of an InferenceImage that is gone it is the one that status remembers: what is rolled out is
    kept as it is.
    """
    spec, revision = evidence.webservice.spec, evidence.webservice.status.revision
    if spec.image_ref is None:
        return spec.pull_secret_ref.name if spec.pull_secret_ref else None
    if evidence.image is None:
        return revision.pull_secret if revision else None
    reference = evidence.image.spec.pull_secret_ref
    return reference.name if reference else None


def pull_secrets(evidence: WebserviceEvidence) -> tuple[str, ...]:
    """Its own, and the one that is looked for in every namespace; neither need be there."""
    named = (own_pull_secret(evidence), evidence.settings.registry_secret)
    return tuple(dict.fromkeys(name for name in named if name))
