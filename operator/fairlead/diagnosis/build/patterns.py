"""Build output, and what it means: a table, read from the top; the first row that fits wins.

What is not the user's fault stands before what may be: pip says "No matching distribution found"
also when the index is down. Each row has a recorded output in ``tests/unit/diagnosis/logs``.
"""

from dataclasses import replace

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.diagnosis.build import package_facts
from fairlead.diagnosis.build.engine_patterns import ENGINE_ROWS
from fairlead.diagnosis.build.output import RETRIED, Phase, Row, line
from fairlead.diagnosis.build.package_facts import index_answer
from fairlead.diagnosis.build.repository_patterns import REPOSITORY_ROWS

_PIP = (Phase.PACKAGES,)
# What pip says begins near the beginning of a line. A pattern that tried each place of a long line
# would take quadratic time.
_SAYS = r"^.{0,200}?"
_UNSATISFIED = line(
    _SAYS + r"Could not find a version that satisfies the requirement (?P<missing>.{1,2000}?) "
    r"\(from versions: (?P<versions>[^)\n]*)\)"
)
_INDEX = _SAYS + r"Could not fetch URL (?P<url>\S{1,2000}): "
GIVE_SECRET = (
    "Name a Secret with credentials of that host in spec.build.packageSecretRef, or correct what "
    "it holds (docs/conda.md, Private channels and indexes); what you have as a wheel may lie in "
    "the source (./name-1.0-py3-none-any.whl)."
)
INDEX_SECRET = (
    "Whoever runs Fairlead: let builds read the index without credentials, or set another one in "
    "FAIRLEAD_PACKAGE_INDEX. Or name a Secret with credentials of that host in "
    "spec.build.packageSecretRef (docs/conda.md, Private channels and indexes)."
)
_INDEX_IS_DOWN = (
    f"Nothing to change in the environment: the index must run, and builds reach it. {RETRIED}"
)

_FILE_DENIED = line(
    r"^(?:ERROR: )?Could not install requirement .{1,1000}? because of HTTP error "
    r"(?P<status>40[137]) .{0,2000}? for URL (?P<url>\S{1,2000})"
)
_FILE_DENIED_ROW = Row(
    _PIP,
    _FILE_DENIED,
    Reason.PACKAGE_INDEX_DENIED,
    FailureClass.AUTH,
    "{subject}it does not let us read {url} (it answers {status}).",
    f"{GIVE_SECRET} {RETRIED}",
    retryable=True,
    facts=package_facts.index_of_file,
)

INDEX_ROWS = (
    Row(
        _PIP,
        _FILE_DENIED,
        Reason.PACKAGE_INDEX_DENIED,
        FailureClass.AUTH,
        "{subject}it does not let us read that file (it answers {status}).",
        "Put the wheel into the source (./name-1.0-py3-none-any.whl), or name an index that has "
        "it: credentials are sent to indexes, and not to the address of a file.",
        facts=package_facts.at_an_address,
    ),
    _FILE_DENIED_ROW,
    replace(
        _FILE_DENIED_ROW,
        message="The package index does not let us read {url} (it answers {status}).",
        remedy=f"{INDEX_SECRET} {RETRIED}",
        facts=index_answer,
    ),
    Row(
        _PIP,
        line(
            r"^ERROR: Could not install requirement .{1,1000}? because of HTTP error 404 "
            r".{0,2000}? "
            r"for URL (?P<url>\S{1,2000})$"
        ),
        Reason.PACKAGE_NOT_FOUND,
        FailureClass.USER,
        "{subject}there is no such file.",
        "Correct the address in that line.",
        facts=package_facts.at_an_address,
    ),
    Row(
        _PIP,
        line(_INDEX + r"40[137] .*"),
        Reason.PACKAGE_INDEX_DENIED,
        FailureClass.AUTH,
        "{subject}it does not let us read {url} ({why}).",
        f"{GIVE_SECRET} {RETRIED}",
        retryable=True,
        facts=package_facts.index_of_file,
    ),
    Row(
        _PIP,
        line(_INDEX + r"(?!404 ).*"),
        Reason.PACKAGE_INDEX_UNREACHABLE,
        FailureClass.NETWORK,
        "{subject}it does not answer ({why}): {url}",
        f"Correct the address, or leave the line out. {RETRIED}",
        retryable=True,
        facts=package_facts.index_of_file,
    ),
    Row(
        _PIP,
        line(_INDEX + r".*(?:CERTIFICATE_VERIFY_FAILED|certificate is not trusted).*"),
        Reason.PACKAGE_INDEX_UNREACHABLE,
        FailureClass.INFRASTRUCTURE,
        "The package index is not trusted ({why}): {url}",
        "Whoever runs Fairlead: add its certificate authority to the file that "
        f"FAIRLEAD_CA_BUNDLE names. {RETRIED}",
        retryable=True,
        facts=index_answer,
    ),
    Row(
        _PIP,
        line(r"The repository located at (?P<host>\S+) is not a trusted or secure host"),
        Reason.PACKAGE_INDEX_UNREACHABLE,
        FailureClass.INFRASTRUCTURE,
        "pip refuses the package index at {host}, because it is spoken to without TLS.",
        "Whoever runs Fairlead: give an https address in FAIRLEAD_PACKAGE_INDEX, or name {host} "
        f"in FAIRLEAD_INSECURE_HOSTS. {RETRIED}",
        retryable=True,
    ),
    Row(
        _PIP,
        line(_INDEX + r"40[137] .*"),
        Reason.PACKAGE_INDEX_DENIED,
        FailureClass.AUTH,
        "The package index does not let us read {url} ({why}).",
        f"{INDEX_SECRET} {RETRIED}",
        retryable=True,
        facts=index_answer,
    ),
    Row(
        _PIP,
        line(_INDEX + r"(?!404 ).*"),
        Reason.PACKAGE_INDEX_UNREACHABLE,
        FailureClass.NETWORK,
        "The package index does not answer ({why}): {url}",
        _INDEX_IS_DOWN,
        retryable=True,
        facts=index_answer,
    ),
    Row(
        _PIP,
        line(r"^ERROR: Wheel '\S{1,200}' located at (?P<path>\S{1,1000}) is invalid"),
        Reason.ENVIRONMENT_FILE_INVALID,
        FailureClass.USER,
        "{subject}the file of the source is no wheel that can be read.",
        "Put it into the source as it was built: a ConfigMap keeps it under `binaryData`.",
        facts=package_facts.broken_local,
    ),
    Row(
        _PIP,
        line(
            r"^(?![ \t]*WARNING).*(?:Max retries exceeded|Read timed out|IncompleteRead|"
            r"incomplete-download|HTTP error \d|Wheel '\S+' located at \S+ is invalid).*"
        ),
        Reason.PACKAGE_INDEX_UNREACHABLE,
        FailureClass.NETWORK,
        "A file of the package index did not come whole ({why}).",
        _INDEX_IS_DOWN,
        retryable=True,
        facts=index_answer,
    ),
)

PACKAGE_ROWS = (
    Row(
        _PIP,
        line(_SAYS + r"DO NOT MATCH THE HASHES.*\n\s+(?P<missing>[^\s;]+)"),
        Reason.PACKAGE_HASH_MISMATCH,
        FailureClass.USER,
        "{subject}what the index has is not what the hash in the file stands for.",
        "Correct the hash, if you know why it is another one; else find out who changed the file.",
        facts=package_facts.not_found,
    ),
    Row(
        _PIP,
        line(
            _SAYS + r"In --require-hashes mode, all requirements must .*\n\s+(?P<missing>[^\s;]+)"
        ),
        Reason.ENVIRONMENT_FILE_INVALID,
        FailureClass.USER,
        "{subject}it has no exact version and hash, and others in the file have.",
        "Give every requirement, and all that they need, a version (==) and a hash; or none.",
        facts=package_facts.not_found,
    ),
    Row(
        _PIP,
        line(r"conflict is caused by:\n(?P<causes>(?:[ \t]+\S.*\n)+)"),
        Reason.PACKAGE_CONFLICT,
        FailureClass.USER,
        "{subject}{causes}: pip finds no versions that go together.",
        "Change one of the versions, or leave one open so that pip can choose.",
        facts=package_facts.conflict,
    ),
    Row(
        _PIP,
        line(
            r"^Double requirement given: (?P<second>.{1,500}?) \(already in (?P<first>.{1,500}), "
            r"name="
        ),
        Reason.PACKAGE_CONFLICT,
        FailureClass.USER,
        "{subject}{causes}: this environment's pip takes a package once only.",
        "Keep one of the two lines.",
        facts=package_facts.asked_twice,
    ),
    Row(
        _PIP,
        line(r"^(?:ERROR: )?(?P<wheel>\S{1,300}\.whl) is not a supported wheel on this platform"),
        Reason.PACKAGE_NEEDS_OTHER_PYTHON,
        FailureClass.USER,
        "{subject}that wheel is for another Python or platform ({tags}) than the environment.",
        "Name a wheel for this Python on Linux, or ask for the Python that it is for.",
        facts=package_facts.unsupported_wheel,
    ),
    Row(
        _PIP,
        _UNSATISFIED,
        Reason.PACKAGE_NEEDS_OTHER_PYTHON,
        FailureClass.USER,
        "{subject}it needs Python {python}, and the base image has another.",
        "Ask for another version, or for a base image with that Python, such as spec.baseImage: "
        "{image}.",
        facts=package_facts.other_python,
    ),
    Row(
        _PIP,
        _UNSATISFIED,
        Reason.PACKAGE_NOT_FOUND,
        FailureClass.USER,
        "{subject}what fits was taken back by its authors (yanked): {versions}.",
        "Ask for another version; one that was taken back is installed only where it is named "
        "itself (==).",
        facts=package_facts.only_yanked,
    ),
    Row(
        _PIP,
        _UNSATISFIED,
        Reason.PACKAGE_NOT_FOUND,
        FailureClass.USER,
        "{subject}no such version on {index}. The newest are {newest}.",
        "Ask for one of these, or leave the version open.",
        facts=package_facts.other_version,
    ),
    Row(
        _PIP,
        _UNSATISFIED,
        Reason.PACKAGE_NOT_FOUND,
        FailureClass.USER,
        "{subject}{index} has it, but no file for this Python on Linux{wheels}.",
        "Remove it if it is for Windows or macOS only; else ask for a base image with another "
        "Python (spec.baseImage).",
        facts=package_facts.no_file,
    ),
    Row(
        _PIP,
        _UNSATISFIED,
        Reason.PACKAGE_NOT_FOUND,
        FailureClass.USER,
        "{subject}no such package on {index}.{guess}",
        "Correct the name in that line.",
        facts=package_facts.not_found,
    ),
    Row(
        _PIP,
        line(
            r"subprocess-exited-with-error|metadata-generation-failed|legacy-install-failure|"
            r"Failed building wheel|Failed to build |^Command .{1,500} failed with error code \d"
        ),
        Reason.PACKAGE_BUILD_FAILED,
        FailureClass.USER,
        "{subject}there is no wheel of it for this Python{wheels}, and building it failed: {why}."
        "{guess}",
        "Ask for a version that has a wheel{others}, or install what it needs in spec.dockerFile"
        "{install}.",
        facts=package_facts.no_build,
    ),
)

ROWS = (*ENGINE_ROWS, *REPOSITORY_ROWS, *INDEX_ROWS, *PACKAGE_ROWS)
