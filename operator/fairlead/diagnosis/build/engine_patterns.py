"""What Docker Engine itself says, and what the user's steps do: rows of the table."""

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.diagnosis.build import step_facts
from fairlead.diagnosis.build.output import RETRIED, Phase, Row, line

_ANY = tuple(Phase)
_PULL, _PUSH, _STEPS = (Phase.PULL,), (Phase.PUSH,), (Phase.STEPS,)
_DENIED = line(r"no basic auth credentials|denied|unauthorized|authentication required|forbidden")
_OFFLINE = line(
    r"^.*(?:Could not resolve|Temporary failure (?:in name resolution|resolving)|"
    r"Name or service not known|Connection (?:refused|timed out)|Failed to connect|"
    r"[Nn]etwork is unreachable|Unable to connect|Could not connect).*$"
)

ENGINE_ROWS = (
    Row(
        _ANY,
        line(r"[Nn]o space left on device|Disk quota exceeded"),
        Reason.OUT_OF_DISK,
        FailureClass.RESOURCE,
        "There is no space left on {disk}.",
        f"{{room}} {RETRIED}",
        retryable=True,
    ),
    Row(
        _ANY,
        line(
            r"returned a non-zero code: 137$|Killed signal terminated program"
            r"|internal compiler error: Killed|^[ \t]{0,40}MemoryError$|Cannot allocate memory"
            r"|virtual memory exhausted"
        ),
        Reason.BUILD_OUT_OF_MEMORY,
        FailureClass.RESOURCE,
        "The build was killed, most likely because memory ran out.",
        "Ask for fewer or smaller packages; or {memory}.",
    ),
    Row(
        _ANY,
        line(r"^(?:exec \S{1,300}|standard_init_linux.{1,80}): exec format error"),
        Reason.ENVIRONMENT_UNFIT,
        FailureClass.USER,
        "The base image {base} is for another platform than the machine that builds.",
        "Name one in spec.baseImage that is there for this platform, too.",
    ),
    Row(
        _PULL,
        line(r"manifest unknown|not found"),
        Reason.BASE_IMAGE_NOT_FOUND,
        FailureClass.USER,
        "The base image {base} is not on its registry (any more).",
        "Correct spec.baseImage, or push the image.",
        retryable=True,
    ),
    Row(
        _PULL,
        _DENIED,
        Reason.BASE_IMAGE_DENIED,
        FailureClass.AUTH,
        "The registry does not let Docker Engine read the base image {base}: {error}.",
        "Name another image in spec.baseImage; or whoever runs Fairlead: `docker login` there. "
        f"{RETRIED}",
        retryable=True,
    ),
    Row(
        _PULL,
        line(r"."),
        Reason.REGISTRY_UNREACHABLE,
        FailureClass.NETWORK,
        "Docker Engine could not pull the base image {base}: {error}.",
        f"See that the registry runs and that Docker Engine reaches it. {RETRIED}",
        retryable=True,
    ),
    Row(
        _PUSH,
        line(r"HTTP response to HTTPS client|first record does not look like a TLS handshake"),
        Reason.REGISTRY_UNREACHABLE,
        FailureClass.INFRASTRUCTURE,
        "Docker Engine speaks TLS to the registry, and the registry does not: {error}.",
        "Whoever runs Fairlead: name the registry in `insecure-registries` of Docker's "
        f"daemon.json. {RETRIED}",
        retryable=True,
    ),
    Row(
        _PUSH,
        _DENIED,
        Reason.REGISTRY_DENIED,
        FailureClass.AUTH,
        "The registry does not let Docker Engine push the environment: {error}.",
        "Whoever runs Fairlead: put credentials into FAIRLEAD_DOCKER_CONFIG, `docker login` there, "
        f"or set another FAIRLEAD_REGISTRY. {RETRIED}",
        retryable=True,
    ),
    Row(
        _PUSH,
        line(r"."),
        Reason.REGISTRY_UNREACHABLE,
        FailureClass.NETWORK,
        "Docker Engine could not push the environment: {error}.",
        f"See that the registry runs and that Docker Engine reaches it. {RETRIED}",
        retryable=True,
    ),
    Row(
        _STEPS,
        line(r"dockerfile parse error line (?P<line>\d+): (?P<said>.+)$"),
        Reason.DOCKERFILE_STEPS_INVALID,
        FailureClass.USER,
        "{location}: {said}.",
        "Correct the instruction.",
        facts=step_facts.unparsed_step,
    ),
    Row(
        _STEPS,
        _OFFLINE,
        Reason.STEP_FAILED,
        FailureClass.NETWORK,
        "{location}: {step}{code}: {said}",
        f"What the step fetches must be reachable from builds. {RETRIED}",
        retryable=True,
        facts=step_facts.offline_step,
    ),
    Row(
        _STEPS,
        line(r"Unable to locate package"),
        Reason.STEP_FAILED,
        FailureClass.USER,
        "{location}: {step}{code}: {said}",
        "Correct the package's name, and run `apt-get update` in the same RUN before.",
        facts=step_facts.failed_step,
    ),
    Row(
        _STEPS,
        line(r"."),
        Reason.STEP_FAILED,
        FailureClass.USER,
        "{location}: {step}{code}: {said}",
        "Correct the step; the end of the build log has all that it printed.",
        facts=step_facts.failed_step,
    ),
)
