"""Why a node cannot pull an image: the registry's or the runtime's words, and who can act."""

from collections.abc import Sequence
from dataclasses import dataclass

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.evidence import PodContext
from fairlead.finding import Finding, listed
from fairlead.pod_evidence import ContainerEvidence, PodEvidence, Role

CANNOT_PULL = {
    "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull",
    "RegistryUnavailable", "ImageInspectError", "SignatureValidationFailed",
}  # fmt: skip
PULL_EVENT = "Failed to pull image"  # its message has the cause where a back-off has none


@dataclass(frozen=True)
class PullCause:
    """``words`` of which one is in the message, in lower case. ``of_ours``: class and remedy where
    an InferenceImage made the image, if others hold then."""

    words: Sequence[str]
    class_: FailureClass
    remedy: str
    of_ours: tuple[FailureClass, str] | None = None


CAUSES = (  # the first that fits wins
    PullCause(
        ("no match for platform", "no matching manifest"),
        FailureClass.USER,
        "The image is for another platform than the node: push it for the node's platform, too.",
        (
            FailureClass.INFRASTRUCTURE,
            "The image is for another platform than the node: Fairlead builds for the platform "
            "that it runs on itself; let the service run on such nodes.",
        ),
    ),
    PullCause(
        ("toomanyrequests", "too many requests", "rate limit"),
        FailureClass.INFRASTRUCTURE,
        "The registry limits how often it is asked: wait, or keep the image in another registry. "
        "It is tried again by itself.",
    ),
    PullCause(
        ("no space left",),
        FailureClass.RESOURCE,
        "The node's disk is full: make room there. It is tried again by itself.",
    ),
    PullCause(
        ("http response to https client",),
        FailureClass.INFRASTRUCTURE,
        "The registry has no TLS: tell the nodes' container runtime so, or give the registry TLS.",
    ),
    PullCause(
        ("x509", "certificate", "tls: "),
        FailureClass.INFRASTRUCTURE,
        "Let the nodes' container runtime trust the registry's certificate.",
    ),
    PullCause(
        ("unauthorized", "denied", "forbidden", "authorization", "authentication", "no basic auth"),
        FailureClass.AUTH,
        "Give the nodes the right to pull from this registry. Many registries answer so, too, "
        "where the image does not exist: see its name.",
    ),
    PullCause(
        ("not found", "manifest unknown", "name unknown", "invalid", "couldn't parse"),
        FailureClass.USER,
        "Correct the image's name, tag or digest.",
        (
            FailureClass.INFRASTRUCTURE,
            "See whether the registry still has the image, under the name by which the nodes know "
            "it (FAIRLEAD_REGISTRY).",
        ),
    ),
)
UNREACHED = PullCause(
    (),
    FailureClass.INFRASTRUCTURE,
    "See whether the nodes reach the registry under this name. It is tried again by itself.",
)


def image_cannot_be_pulled(pod: PodEvidence, about: PodContext) -> Finding | None:
    waiting = (one for one in pod.containers if one.waiting_reason in CANNOT_PULL)
    container = next(waiting, None)
    if container is None:
        return None
    said = _said(pod, container)
    own = container.role is Role.SCORING
    cause = _cause(said.lower().replace(about.image.lower(), ""))
    class_, remedy = cause.class_, cause.remedy
    if own and about.inference_image and cause.of_ours:
        class_, remedy = cause.of_ours
    elif not own and class_ is FailureClass.USER:
        class_ = FailureClass.INFRASTRUCTURE
    if own and class_ is FailureClass.AUTH and about.webservice:
        remedy = f"{remedy} {_secrets(about)}"
    what = about.image if own else f"the image of container '{container.name}'"
    message = f"The node cannot pull {what}: {said}"
    return Finding(Reason.IMAGE_PULL_FAILED, class_, message, remedy, container=container.name)


def _secrets(about: PodContext) -> str:
    """What the nodes pull with; nobody but the kubelet knows whether it is there."""
    if about.pull_secrets:
        names = listed([f"'{name}'" for name in about.pull_secrets])
        return (
            f"They pull with Secret {names}: see that it is in this namespace, and for this host."
        )
    whose = "of the InferenceImage " if about.inference_image else ""
    return f"Credentials are named in spec.pullSecretRef {whose}(docs/install.md, Registries)."


def backs_off(container: ContainerEvidence) -> bool:
    """The kubelet says that it waits before it pulls again, and not why."""
    said = container.waiting_message
    pulling = container.waiting_reason in CANNOT_PULL
    return pulling and _cause(said.lower()) is UNREACHED and (not said or said.endswith('"'))


def _said(pod: PodEvidence, container: ContainerEvidence) -> str:
    """The kubelet's message: of a back-off, the error that it backs off from."""
    said = container.waiting_message
    errors = [
        event
        for event in pod.events
        if event.message.startswith(PULL_EVENT) and event.container in ("", container.name)
    ]
    if errors and backs_off(container):
        return max(errors, key=lambda event: event.at).message
    return said or container.waiting_reason


def _cause(said: str) -> PullCause:
    fitting = (cause for cause in CAUSES if any(words in said for words in cause.words))
    return next(fitting, UNREACHED)
