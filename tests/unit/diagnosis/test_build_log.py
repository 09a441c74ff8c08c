"""Recorded outputs of builds that really failed, and what their users are told.

Each file in ``logs`` is what Docker Engine 20.10 sent from the step that failed to its last word,
with pip 23.0 (or 26.3, where the name says so); only names of hosts were changed. Record another
one by letting a build fail and copying the end of its log.
"""

from functools import cache
from pathlib import Path

import pytest

import fairlead.diagnosis.build.explain as explain_module
from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import EnvironmentRecipe
from fairlead.diagnosis.build.explain import explain, tail
from fairlead.diagnosis.build.output import BuildOutput, Phase, Row
from fairlead.diagnosis.build.package_names import KNOWN, did_you_mean
from fairlead.diagnosis.build.patterns import GIVE_SECRET, INDEX_SECRET, ROWS
from fairlead.finding import Finding
from fairlead.requirement import Requirement

LOGS = Path(__file__).parent / "logs"
PULL, STEPS, PIP, PUSH = Phase
USER, NETWORK = FailureClass.USER, FailureClass.NETWORK
RETRIED = "It is tried again."
INDEX_IS_DOWN = (
    f"Nothing to change in the environment: the index must run, and builds reach it. {RETRIED}"
)
REGISTRY_IS_DOWN = f"See that the registry runs and that Docker Engine reaches it. {RETRIED}"
GCC = "RUN apt-get update && apt-get install -y build-essential"
A_WHEEL = "Ask for a version that has a wheel, or install what it needs in spec.dockerFile"
ONE_VERSION = "Change one of the versions, or leave one open so that pip can choose."
HASHED = f"tabulate==0.9.0 --hash=sha256:{'a' * 64}"


OWN_INDEX = "--extra-index-url https://own.example.com/simple"
REPOSITORY = "git+https://git.example.com/team/tools.git@nosuch"
WHEEL, OTHER_WHEEL = "./tools-1.0-py3-none-any.whl", "./tools-1.0-cp36-cp36m-manylinux1_x86_64.whl"


def recipe(requirements: tuple[str, ...] = (), steps: str = "") -> EnvironmentRecipe:
    return EnvironmentRecipe(
        base_image="python:3.11-slim",
        requirements=tuple(
            Requirement(text=text, line=line) for line, text in enumerate(requirements, 5)
        ),
        steps=steps,
        steps_file="Dockerfile.steps",
        file="requirements.txt",
        constraints=(Requirement(text="idna==2.10", line=2, file="held.txt"),),
        options=(Requirement(text=OWN_INDEX, line=3),),
    )


def recorded(phase: Phase, name: str) -> BuildOutput:
    *lines, error = (LOGS / f"{name}.log").read_text().splitlines()
    return BuildOutput(phase, lines, error)


def finding(
    reason: Reason,
    class_: FailureClass,
    message: str,
    remedy: str,
    requirement: str | None = None,
    *,
    location: str | None = None,
) -> Finding:
    return Finding(reason, class_, message, remedy, location, requirement, RETRIED in remedy)


AN_ADDRESS = "https://files.example.com/nothing-1.0-py3-none-any.whl"
OF_GIT = "git+https://git.example.com/team/tools.git@main#egg=tools"
PACKAGES = [
    (
        "no-git",
        ("tabulate==0.9.0", OF_GIT),
        finding(
            Reason.PACKAGE_BUILD_FAILED,
            USER,
            f"{OF_GIT}; it comes from a repository, and the base image has no git.",
            "Install it in spec.dockerFile: RUN apt-get update && apt-get install -y git; or name "
            "a base image that has it.",
            OF_GIT,
        ),
    ),
    (
        "no-file-at-address",
        ("tabulate==0.9.0", AN_ADDRESS),
        finding(
            Reason.PACKAGE_NOT_FOUND,
            USER,
            f"{AN_ADDRESS}; there is no such file.",
            "Correct the address in that line.",
            AN_ADDRESS,
        ),
    ),
    (
        "unknown-package",
        ("tabulate==0.9.0", "scikit-lern==1.9"),
        finding(
            Reason.PACKAGE_NOT_FOUND,
            USER,
            "scikit-lern==1.9; no such package on the index. Did you mean scikit-learn?",
            "Correct the name in that line.",
            "scikit-lern==1.9",
        ),
    ),
    (
        "unknown-package-own-index",
        ("tabulate",),
        finding(
            Reason.PACKAGE_NOT_FOUND,
            USER,
            "tabulate; no such package on the index http://index.example.org:8080/404/simple.",
            "Correct the name in that line.",
            "tabulate",
        ),
    ),
    (
        "unknown-package-of-another",
        ("cc", "myapp==1.0"),
        finding(
            Reason.PACKAGE_NOT_FOUND,
            USER,
            "myapp==1.0; it needs scikit-lern; no such package on the index "
            "http://index.example.org:8080/simple. Did you mean scikit-learn?",
            "Correct the name in that line.",
            "myapp==1.0",
        ),
    ),
    (
        "unknown-version",
        ("numpy==99.1",),
        finding(
            Reason.PACKAGE_NOT_FOUND,
            USER,
            "numpy==99.1; no such version on the index. The newest are 2.4.6, 2.4.5, 2.4.4, "
            "2.4.3, 2.4.2.",
            "Ask for one of these, or leave the version open.",
            "numpy==99.1",
        ),
    ),
    (
        "no-file-for-linux",
        ("pywin32==306",),
        finding(
            Reason.PACKAGE_NOT_FOUND,
            USER,
            "pywin32==306; the index has it, but no file for this Python on Linux.",
            "Remove it if it is for Windows or macOS only; else ask for a base image with another "
            "Python (spec.baseImage).",
            "pywin32==306",
        ),
    ),
    (
        "newer-python",
        ("numpy==2.5.0",),
        finding(
            Reason.PACKAGE_NEEDS_OTHER_PYTHON,
            USER,
            "numpy==2.5.0; it needs Python >=3.12, and the base image has another.",
            "Ask for another version, or for a base image with that Python, such as "
            "spec.baseImage: python:3.12-slim.",
            "numpy==2.5.0",
        ),
    ),
    (
        "conflict",
        ("flask==3.0.3", "werkzeug==1.0.0"),
        finding(
            Reason.PACKAGE_CONFLICT,
            USER,
            "werkzeug==1.0.0; flask 3.0.3 depends on Werkzeug>=3.0.0: pip finds no versions that "
            "go together.",
            ONE_VERSION,
            "werkzeug==1.0.0",
        ),
    ),
    (
        "conflict-pip-26",
        ("flask==3.0.3", "werkzeug==1.0.0"),
        finding(
            Reason.PACKAGE_CONFLICT,
            USER,
            "werkzeug==1.0.0; flask 3.0.3 depends on Werkzeug>=3.0.0: pip finds no versions that "
            "go together.",
            ONE_VERSION,
            "werkzeug==1.0.0",
        ),
    ),
    (
        "conflict-constraint",
        ("idna>=3", "requests==2.20.0"),
        finding(
            Reason.PACKAGE_CONFLICT,
            USER,
            "idna>=3; idna==2.10 is a constraint (held.txt:2): pip finds no versions that go "
            "together.",
            ONE_VERSION,
            "idna>=3",
        ),
    ),
    (
        "conflict-own-pins",
        ("idna>=3", "idna<3"),
        finding(
            Reason.PACKAGE_CONFLICT,
            USER,
            "idna>=3; idna<3 is asked for (requirements.txt:6): pip finds no versions that go "
            "together.",
            ONE_VERSION,
            "idna>=3",
        ),
    ),
    (
        "conflict-twice-pip-18",
        ("idna>=3", "idna<3"),
        finding(
            Reason.PACKAGE_CONFLICT,
            USER,
            "idna>=3; idna<3 is asked for, too (requirements.txt:6): this environment's pip takes "
            "a package once only.",
            "Keep one of the two lines.",
            "idna>=3",
        ),
    ),
    *(
        (
            name,
            (REPOSITORY,),
            finding(reason, class_, f"{REPOSITORY}; {words}", remedy, REPOSITORY),
        )
        for names, reason, class_, words, remedy in (
            (
                ("git-private", "git-forbidden"),
                Reason.PACKAGE_INDEX_DENIED,
                FailureClass.AUTH,
                "the repository is private, or there is none of that name.",
                "Correct the address, or build a wheel of it and put that into the source "
                "(./name-1.0-py3-none-any.whl): builds have no credentials.",
            ),
            (
                ("git-unknown",),
                Reason.PACKAGE_NOT_FOUND,
                USER,
                "there is no such repository.",
                "Correct the address in that line.",
            ),
            (
                ("git-no-such-ref",),
                Reason.PACKAGE_NOT_FOUND,
                USER,
                "the repository has no branch, tag or commit nosuch.",
                "Correct what stands behind the @ in that line.",
            ),
            (
                ("git-unreachable",),
                Reason.PACKAGE_INDEX_UNREACHABLE,
                NETWORK,
                "the repository does not answer: Could not resolve host: git.example.com.",
                f"Nothing to change: the repository must be reachable from builds. {RETRIED}",
            ),
            (
                ("git-busy",),
                Reason.PACKAGE_INDEX_UNREACHABLE,
                NETWORK,
                "the repository does not answer: The requested URL returned error: 503.",
                f"Nothing to change: the repository must be reachable from builds. {RETRIED}",
            ),
        )
        for name in names
    ),
    (
        "wheel-of-source-broken",
        ("numpy", WHEEL),
        finding(
            Reason.ENVIRONMENT_FILE_INVALID,
            USER,
            f"{WHEEL}; the file of the source is no wheel that can be read.",
            "Put it into the source as it was built: a ConfigMap keeps it under `binaryData`.",
            WHEEL,
        ),
    ),
    (
        "wheel-for-other-python",
        ("numpy", OTHER_WHEEL),
        finding(
            Reason.PACKAGE_NEEDS_OTHER_PYTHON,
            USER,
            f"{OTHER_WHEEL}; that wheel is for another Python or platform "
            "(cp36-cp36m-manylinux1_x86_64) than the environment.",
            "Name a wheel for this Python on Linux, or ask for the Python that it is for.",
            OTHER_WHEEL,
        ),
    ),
    (
        "wheel-for-other-python-pip-18",
        ("./tools-1.0-cp39-cp39-manylinux1_x86_64.whl",),
        finding(
            Reason.PACKAGE_NEEDS_OTHER_PYTHON,
            USER,
            "./tools-1.0-cp39-cp39-manylinux1_x86_64.whl; that wheel is for another Python or "
            "platform (cp39-cp39-manylinux1_x86_64) than the environment.",
            "Name a wheel for this Python on Linux, or ask for the Python that it is for.",
            "./tools-1.0-cp39-cp39-manylinux1_x86_64.whl",
        ),
    ),
    (
        "only-yanked",
        ("attrs>=21.0,<21.2",),
        finding(
            Reason.PACKAGE_NOT_FOUND,
            USER,
            "attrs>=21.0,<21.2; what fits was taken back by its authors (yanked): 21.1.0.",
            "Ask for another version; one that was taken back is installed only where it is named "
            "itself (==).",
            "attrs>=21.0,<21.2",
        ),
    ),
    (
        "index-of-file-denied",
        ("tools",),
        finding(
            Reason.PACKAGE_INDEX_DENIED,
            FailureClass.AUTH,
            f"{OWN_INDEX}; it does not let us read https://own.example.com/simple/tools/ (it "
            "answers 401).",
            f"{GIVE_SECRET} {RETRIED}",
            OWN_INDEX,
        ),
    ),
    (
        "file-denied-index-of-file",
        ("tools",),
        finding(
            Reason.PACKAGE_INDEX_DENIED,
            FailureClass.AUTH,
            f"{OWN_INDEX}; it does not let us read https://own.example.com/f/"
            "tools-1.0-py3-none-any.whl (it answers 403).",
            f"{GIVE_SECRET} {RETRIED}",
            OWN_INDEX,
        ),
    ),
    (
        "file-denied-at-address",
        ("tabulate==0.9.0", AN_ADDRESS),
        finding(
            Reason.PACKAGE_INDEX_DENIED,
            FailureClass.AUTH,
            f"{AN_ADDRESS}; it does not let us read that file (it answers 401).",
            "Put the wheel into the source (./name-1.0-py3-none-any.whl), or name an index that "
            "has it: credentials are sent to indexes, and not to the address of a file.",
            AN_ADDRESS,
        ),
    ),
    *(
        (
            f"index-of-file-{name}-with-secret",
            ("tools",),
            finding(
                Reason.PACKAGE_INDEX_UNREACHABLE,
                NETWORK,
                f"{OWN_INDEX}; it does not answer ({why}): https://own.example.com/simple/tools/",
                f"Correct the address, or leave the line out. {RETRIED}",
                OWN_INDEX,
            ),
        )
        for name, why in (
            ("down", "Connection refused"),
            ("elsewhere", "it leads to what is no address"),
        )
    ),
    (
        "index-of-file-down",
        ("tools",),
        finding(
            Reason.PACKAGE_INDEX_UNREACHABLE,
            NETWORK,
            f"{OWN_INDEX}; it does not answer (Name or service not known): "
            "https://own.example.com/simple/tools/",
            f"Correct the address, or leave the line out. {RETRIED}",
            OWN_INDEX,
        ),
    ),
    (
        "no-wheel-for-this-python",
        ("numpy==1.15.4",),
        finding(
            Reason.PACKAGE_BUILD_FAILED,
            USER,
            "numpy==1.15.4; there is no wheel of it for this Python; there are for Python 2.7, "
            "3.4, 3.5, 3.6 and 3.7, and building it failed: its set-up imports "
            "distutils.msvccompiler, which is not there while it is built.",
            "Ask for a version that has a wheel (2.4.6, 2.4.5, 2.4.4, 2.4.3, 2.4.2), or install "
            "what it needs in spec.dockerFile.",
            "numpy==1.15.4",
        ),
    ),
    (
        "no-set-up-pip-18",
        ("tools==1.0",),
        finding(
            Reason.PACKAGE_BUILD_FAILED,
            USER,
            "tools==1.0; there is no wheel of it for this Python, and building it failed: its "
            "set-up imports numpy, which is not there while it is built.",
            f"{A_WHEEL}.",
            "tools==1.0",
        ),
    ),
    (
        "no-set-up-python-2",
        ("./py2",),
        finding(
            Reason.PACKAGE_BUILD_FAILED,
            USER,
            "./py2; there is no wheel of it for this Python, and building it failed: it is written "
            "for Python 2.",
            f"{A_WHEEL}.",
            "./py2",
        ),
    ),
    (
        "conflict-between-others",
        ("aa", "bb"),
        finding(
            Reason.PACKAGE_CONFLICT,
            USER,
            "aa; aa 1.0 depends on cc<2, and bb 1.0 depends on cc>=2: pip finds no versions that "
            "go together.",
            ONE_VERSION,
            "aa",
        ),
    ),
    (
        "hash-mismatch",
        (HASHED,),
        finding(
            Reason.PACKAGE_HASH_MISMATCH,
            USER,
            "tabulate==0.9.0; what the index has is not what the hash in the file stands for.",
            "Correct the hash, if you know why it is another one; else find out who changed the "
            "file.",
            HASHED,
        ),
    ),
    (
        "hash-missing",
        (HASHED, "numpy"),
        finding(
            Reason.ENVIRONMENT_FILE_INVALID,
            USER,
            "numpy; it has no exact version and hash, and others in the file have.",
            "Give every requirement, and all that they need, a version (==) and a hash; or none.",
            "numpy",
        ),
    ),
    (
        "no-compiler",
        ("netifaces==0.11.0",),
        finding(
            Reason.PACKAGE_BUILD_FAILED,
            USER,
            "netifaces==0.11.0; there is no wheel of it for this Python, and building it failed: "
            "x86_64-linux-gnu-gcc is missing.",
            f"{A_WHEEL}: {GCC}.",
            "netifaces==0.11.0",
        ),
    ),
    (
        "no-compiler-pip-26",
        ("netifaces==0.11.0",),
        finding(
            Reason.PACKAGE_BUILD_FAILED,
            USER,
            "netifaces==0.11.0; there is no wheel of it for this Python, and building it failed: "
            "gcc is missing.",
            f"{A_WHEEL}: {GCC}.",
            "netifaces==0.11.0",
        ),
    ),
    (
        "no-pg-config",
        ("psycopg2==2.9.10",),
        finding(
            Reason.PACKAGE_BUILD_FAILED,
            USER,
            "psycopg2==2.9.10; there is no wheel of it for this Python, and building it failed: "
            "pg_config is missing.",
            f"{A_WHEEL}: {GCC} libpq-dev.",
            "psycopg2==2.9.10",
        ),
    ),
    (
        "renamed-package",
        ("sklearn==0.0.post12",),
        finding(
            Reason.PACKAGE_BUILD_FAILED,
            USER,
            "sklearn==0.0.post12; there is no wheel of it for this Python, and building it failed: "
            "its own set-up ended with an error. Did you mean scikit-learn?",
            f"{A_WHEEL}.",
            "sklearn==0.0.post12",
        ),
    ),
]


@pytest.mark.parametrize(
    ("name", "requirements", "expected"), [pytest.param(*row, id=row[0]) for row in PACKAGES]
)
def test_a_requirement_is_to_blame(
    name: str, requirements: tuple[str, ...], expected: Finding
) -> None:
    assert explain(recorded(PIP, name), recipe(requirements)) == expected
    assert expected.requirement
    assert expected.message.startswith(expected.requirement.partition(" --hash")[0])


INDEX = "http://index.example.org:8080"


@pytest.mark.parametrize(
    ("name", "reason", "class_", "message", "remedy"),
    [
        (
            "index-down",
            Reason.PACKAGE_INDEX_UNREACHABLE,
            NETWORK,
            "The package index does not answer (Connection refused): "
            "http://127.0.0.1:9/simple/numpy/",
            INDEX_IS_DOWN,
        ),
        (
            "index-unknown-host",
            Reason.PACKAGE_INDEX_UNREACHABLE,
            NETWORK,
            "The package index does not answer (Name or service not known): "
            "https://index.invalid/simple/numpy/",
            INDEX_IS_DOWN,
        ),
        (
            "index-silent",
            Reason.PACKAGE_INDEX_UNREACHABLE,
            NETWORK,
            f"The package index does not answer (timed out): {INDEX}/hang/simple/tabulate/",
            INDEX_IS_DOWN,
        ),
        (
            "index-busy",
            Reason.PACKAGE_INDEX_UNREACHABLE,
            NETWORK,
            f"The package index does not answer (it answers 503): {INDEX}/503/simple/tabulate/",
            INDEX_IS_DOWN,
        ),
        (
            "file-broken-off",
            Reason.PACKAGE_INDEX_UNREACHABLE,
            NETWORK,
            "A file of the package index did not come whole (what came is not valid).",
            INDEX_IS_DOWN,
        ),
        (
            "file-broken-off-pip-26",
            Reason.PACKAGE_INDEX_UNREACHABLE,
            NETWORK,
            "A file of the package index did not come whole (what came is not valid).",
            INDEX_IS_DOWN,
        ),
        (
            "index-denied",
            Reason.PACKAGE_INDEX_DENIED,
            FailureClass.AUTH,
            f"The package index does not let us read {INDEX}/403/simple/tabulate/ "
            "(it answers 403).",
            f"{INDEX_SECRET} {RETRIED}",
        ),
        (
            "index-denied-pip-18",
            Reason.PACKAGE_INDEX_DENIED,
            FailureClass.AUTH,
            f"The package index does not let us read {INDEX}/403/simple/tabulate/ "
            "(it answers 403).",
            f"{INDEX_SECRET} {RETRIED}",
        ),
        (
            "file-denied-pip-18",
            Reason.PACKAGE_INDEX_DENIED,
            FailureClass.AUTH,
            f"The package index does not let us read {INDEX}/f/tabulate-0.9.0-py3-none-any.whl "
            "(it answers 403).",
            f"{INDEX_SECRET} {RETRIED}",
        ),
        (
            "index-untrusted-with-secret",
            Reason.PACKAGE_INDEX_UNREACHABLE,
            FailureClass.INFRASTRUCTURE,
            "The package index is not trusted (self-signed certificate): "
            "https://index.example.org:8080/simple/tabulate/",
            "Whoever runs Fairlead: add its certificate authority to the file that "
            f"FAIRLEAD_CA_BUNDLE names. {RETRIED}",
        ),
        (
            "index-untrusted",
            Reason.PACKAGE_INDEX_UNREACHABLE,
            FailureClass.INFRASTRUCTURE,
            "The package index is not trusted (self-signed certificate): "
            "https://index.example.org:8080/simple/tabulate/",
            "Whoever runs Fairlead: add its certificate authority to the file that "
            f"FAIRLEAD_CA_BUNDLE names. {RETRIED}",
        ),
        (
            "index-without-tls",
            Reason.PACKAGE_INDEX_UNREACHABLE,
            FailureClass.INFRASTRUCTURE,
            "pip refuses the package index at index.example.org, because it is spoken to without "
            "TLS.",
            "Whoever runs Fairlead: give an https address in FAIRLEAD_PACKAGE_INDEX, or name "
            f"index.example.org in FAIRLEAD_INSECURE_HOSTS. {RETRIED}",
        ),
    ],
)
def test_the_index_is_to_blame_though_pip_says_the_package_was_not_found(
    name: str, reason: Reason, class_: FailureClass, message: str, remedy: str
) -> None:
    found = explain(recorded(PIP, name), recipe(("numpy==2.1.0", "tabulate")))
    assert found == finding(reason, class_, message, remedy)
    assert found.retryable


REFUSED = 'Get "https://index.example.org:8080/v2/": tls: first record does not look like a TLS '


@pytest.mark.parametrize(
    ("phase", "name", "expected"),
    [
        (
            PULL,
            "base-missing",
            Finding(
                Reason.BASE_IMAGE_NOT_FOUND,
                USER,
                "The base image python:3.11-slim is not on its registry (any more).",
                "Correct spec.baseImage, or push the image.",
                retryable=True,
            ),
        ),
        (
            PULL,
            "base-denied",
            finding(
                Reason.BASE_IMAGE_DENIED,
                FailureClass.AUTH,
                "The registry does not let Docker Engine read the base image python:3.11-slim: "
                f'Get "http://127.0.0.1:5001/v2/fairlead/python/manifests/sha256:{64 * "1"}": '
                "no basic auth credentials.",
                "Name another image in spec.baseImage; or whoever runs Fairlead: `docker login` "
                f"there. {RETRIED}",
            ),
        ),
        (
            PULL,
            "base-unreachable",
            finding(
                Reason.REGISTRY_UNREACHABLE,
                NETWORK,
                "Docker Engine could not pull the base image python:3.11-slim: "
                'Get "https://registry.invalid/v2/": dial tcp: lookup registry.invalid on '
                "10.0.0.53:53: no such host.",
                REGISTRY_IS_DOWN,
            ),
        ),
        (
            PULL,
            "base-for-another-platform",
            finding(
                Reason.ENVIRONMENT_UNFIT,
                USER,
                "The base image python:3.11-slim is for another platform than the machine that "
                "builds.",
                "Name one in spec.baseImage that is there for this platform, too.",
            ),
        ),
        (
            PUSH,
            "push-without-tls",
            finding(
                Reason.REGISTRY_UNREACHABLE,
                FailureClass.INFRASTRUCTURE,
                "Docker Engine speaks TLS to the registry, and the registry does not: "
                f"{REFUSED}handshake.",
                "Whoever runs Fairlead: name the registry in `insecure-registries` of Docker's "
                f"daemon.json. {RETRIED}",
            ),
        ),
        (
            PUSH,
            "push-denied",
            finding(
                Reason.REGISTRY_DENIED,
                FailureClass.AUTH,
                "The registry does not let Docker Engine push the environment: no basic auth "
                "credentials.",
                "Whoever runs Fairlead: put credentials into FAIRLEAD_DOCKER_CONFIG, `docker "
                "login` there, or set another FAIRLEAD_REGISTRY. "
                f"{RETRIED}",
            ),
        ),
        (
            PUSH,
            "push-unreachable",
            finding(
                Reason.REGISTRY_UNREACHABLE,
                NETWORK,
                'Docker Engine could not push the environment: Get "http://127.0.0.1:1/v2/": dial '
                "tcp 127.0.0.1:1: connect: connection refused.",
                REGISTRY_IS_DOWN,
            ),
        ),
        (
            PIP,
            "no-space-left",
            finding(
                Reason.OUT_OF_DISK,
                FailureClass.RESOURCE,
                "There is no space left on the disk of Docker Engine.",
                f"Make room: `docker system df` tells what takes it. {RETRIED}",
            ),
        ),
        (
            STEPS,
            "killed",
            finding(
                Reason.BUILD_OUT_OF_MEMORY,
                FailureClass.RESOURCE,
                "The build was killed, most likely because memory ran out.",
                "Ask for fewer or smaller packages; or give Docker Engine more memory, and delete "
                "and create the InferenceImage.",
            ),
        ),
        (
            PIP,
            "unexplained",
            finding(
                Reason.IMAGE_BUILD_FAILURE,
                FailureClass.UNKNOWN,
                "The environment could not be built: The command 'python3 -m venv "
                "/opt/fairlead/env' returned a non-zero code: 1",
                "The end of the build log tells more.",
            ),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and "-" in value else "",
)
def test_the_engine_or_a_registry_is_to_blame(phase: Phase, name: str, expected: Finding) -> None:
    assert explain(recorded(phase, name), recipe(("numpy",))) == expected


@pytest.mark.parametrize(
    ("name", "steps", "expected"),
    [
        (
            "step-no-such-debian-package",
            "ENV A=b\nRUN true && \\\n  apt-get -y install no-such-package\n",
            finding(
                Reason.STEP_FAILED,
                USER,
                "Dockerfile.steps:2: `RUN true && apt-get -y install no-such-package` ended with "
                "exit code 100: E: Unable to locate package no-such-package",
                "Correct the package's name, and run `apt-get update` in the same RUN before.",
                location="Dockerfile.steps:2",
            ),
        ),
        (
            "step-failed",
            "USER nosuch\nRUN true\n",
            finding(
                Reason.STEP_FAILED,
                USER,
                "Dockerfile.steps:2: `RUN true` failed: unable to find user nosuch: no matching "
                "entries in passwd file",
                "Correct the step; the end of the build log has all that it printed.",
                location="Dockerfile.steps:2",
            ),
        ),
        (
            "step-offline",
            "RUN apt-get update && apt-get install -y vim\n",
            finding(
                Reason.STEP_FAILED,
                NETWORK,
                "Dockerfile.steps:1: `RUN apt-get update && apt-get install -y vim` ended with "
                "exit code 100: Could not resolve 'deb.invalid'",
                f"What the step fetches must be reachable from builds. {RETRIED}",
                location="Dockerfile.steps:1",
            ),
        ),
        (
            "step-offline-python",
            "RUN python3 fetch.py\n",
            finding(
                Reason.STEP_FAILED,
                NETWORK,
                "Dockerfile.steps:1: `RUN python3 fetch.py` ended with exit code 1: "
                "socket.gaierror: [Errno -2] Name or service not known",
                f"What the step fetches must be reachable from builds. {RETRIED}",
                location="Dockerfile.steps:1",
            ),
        ),
        (
            "step-unreadable",
            "RUN true\n# a comment\nSHELL bash\n",
            finding(
                Reason.DOCKERFILE_STEPS_INVALID,
                USER,
                "Dockerfile.steps:3: SHELL requires the arguments to be in JSON form.",
                "Correct the instruction.",
                location="Dockerfile.steps:3",
            ),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("step") else "",
)
def test_a_step_is_to_blame(name: str, steps: str, expected: Finding) -> None:
    assert explain(recorded(STEPS, name), recipe(steps=steps)) == expected


def test_a_step_that_fails_after_another_had_no_network_is_the_users() -> None:
    lines = (
        "Step 4/5 : RUN curl example.com || true",
        "curl: (6) Could not resolve host: example.com",
        "Step 5/5 : RUN false",
    )
    error = "The command '/bin/sh -c false' returned a non-zero code: 1"
    found = explain(BuildOutput(STEPS, lines, error), recipe(steps="RUN curl\nRUN false\n"))
    assert (found.class_, found.location) == (USER, "Dockerfile.steps:2")


def phase_of(name: str) -> Phase:
    phases = {"base": PULL, "push": PUSH, "step": STEPS, "killed": STEPS}
    return phases.get(name.partition("-")[0], PIP)


BLAMED = recipe((AN_ADDRESS, WHEEL))


@cache
def outputs() -> tuple[tuple[BuildOutput, Finding], ...]:
    """Each recorded output, and what is told of it."""
    found = (recorded(phase_of(log.stem), log.stem) for log in sorted(LOGS.iterdir()))
    return tuple((output, explain(output, BLAMED)) for output in found)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.message[:40])
def test_without_any_one_row_some_recorded_output_is_told_otherwise(
    row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = outputs()
    monkeypatch.setattr(explain_module, "ROWS", [other for other in ROWS if other is not row])
    mine = (pair for pair in told if pair[0].phase in row.phases)
    assert any(explain(output, BLAMED) != before for output, before in mine)


def test_what_only_the_engine_can_explain_is_tried_again() -> None:
    found = explain(BuildOutput(PIP, (), "layer does not exist"), recipe())
    assert found == finding(
        Reason.IMAGE_BUILD_FAILURE,
        FailureClass.INFRASTRUCTURE,
        "The environment could not be built: layer does not exist",
        f"The end of the build log tells more. {RETRIED}",
    )


def test_a_time_out_that_passed_is_not_the_cause_of_what_came_later() -> None:
    waited = "WARNING: Retrying (Retry(total=1)) after 'ReadTimeoutError: Read timed out.'"
    output = recorded(PIP, "unknown-package")
    later = BuildOutput(PIP, (waited, *output.lines), output.error)
    assert explain(later, recipe()).reason is Reason.PACKAGE_NOT_FOUND


@pytest.mark.parametrize(
    "line",
    [
        "gcc: internal compiler error: Killed (program cc1plus)",
        "  MemoryError",
        "OSError: [Errno 12] Cannot allocate memory",
        "virtual memory exhausted: Cannot allocate memory",
    ],
)
def test_what_ran_out_of_memory_is_told_so_whoever_noticed(line: str) -> None:
    error = "The installation of the packages returned a non-zero code: 1"
    found = explain(
        BuildOutput(PIP, (line, "  error: subprocess-exited-with-error"), error), recipe()
    )
    assert found.reason is Reason.BUILD_OUT_OF_MEMORY


def test_a_wheel_of_the_index_that_is_broken_is_not_the_users() -> None:
    line = "ERROR: Wheel 'a' located at /tmp/pip-unpack-x/a-1.0-py3-none-any.whl is invalid."
    found = explain(BuildOutput(PIP, (line,), "returned a non-zero code: 1"), recipe((WHEEL,)))
    assert found.reason is Reason.PACKAGE_INDEX_UNREACHABLE


def test_secrets_in_an_output_are_not_repeated() -> None:
    line = "Could not fetch URL https://me:hunter2@index/simple/x/: 403 Client Error: Forbidden"
    output = BuildOutput(PIP, (line,), "returned a non-zero code: 1")
    assert "hunter2" not in explain(output, recipe()).message + tail(output)


def test_a_hostile_output_is_bounded() -> None:
    output = BuildOutput(STEPS, ("Step 4/4 : RUN x", "{evil} " * 10_000), "x" * 100_000)
    found = explain(output, recipe(steps="RUN x\n"))
    assert len(found.message) < 2000
    assert len(tail(output)) <= 3000


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("scikit-lern", "scikit-learn"),
        ("SkLearn", "scikit-learn"),
        ("cv2", "opencv-python-headless"),
        ("pandsa", "pandas"),
        ("numpy", None),
        ("something-of-our-own", None),
    ],
)
def test_a_name_that_comes_close_to_a_known_one(name: str, meant: str | None) -> None:
    assert did_you_mean(name) == meant


def test_known_names_are_what_an_index_calls_them() -> None:
    assert all(name == name.lower() and did_you_mean(name) != name for name in KNOWN)
    assert len(set(KNOWN)) == len(KNOWN)
