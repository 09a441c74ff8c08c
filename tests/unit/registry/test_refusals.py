"""What the answers of registries mean, one case for each row and for each server's own words."""

import json

import pytest

from fairlead.registry.call import Call
from fairlead.registry.errors import (
    BodyLimitError,
    CredentialsMissingError,
    CredentialsRefusedError,
    NotInRegistryError,
    RegistryDeniedError,
    RegistryError,
    RegistryFaultError,
    RegistryFullError,
    RegistryReadOnlyError,
    RegistryTlsError,
    RegistryUnreachableError,
    RegistryUntrustedError,
    RepositoryNotFoundError,
)
from fairlead.registry.reference import Repository
from fairlead.registry.refusals import REFUSALS, Asked, no_answer, refusal
from fairlead.tasks.failures import REGISTRY, failure_of

HERE = Repository("r.example.com", "team/x")
PUSH = Call("POST", HERE, "blobs/uploads/", "push to team/x", frozenset())
READ = Call("GET", HERE, "manifests/1", "read team/x:1", frozenset())
SOMEBODY = "the Secret of spec.pushSecretRef (its entry r.example.com)"


def error(code: str, message: str) -> bytes:
    return json.dumps({"errors": [{"code": code, "message": message}]}).encode()


CASES = {
    "pull rate": (
        READ,
        429,
        error("TOOMANYREQUESTS", "You have reached your pull rate limit"),
        RegistryUnreachableError,
        "429 TOOMANYREQUESTS: You have reached your pull rate limit",
    ),
    "a quota of requests": (
        PUSH,
        429,
        error("TOOMANYREQUESTS", "Quota exceeded for 'Requests per minute'"),
        RegistryUnreachableError,
        "Quota exceeded",
    ),
    "Go's server with TLS": (
        PUSH,
        400,
        b"Client sent an HTTP request to an HTTPS server.\n",
        RegistryTlsError,
        "400 Client sent an HTTP request to an HTTPS server",
    ),
    "nginx with TLS": (
        READ,
        400,
        b"<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head>",
        RegistryTlsError,
        "The plain HTTP request was sent to HTTPS port",
    ),
    "Harbor's quota": (
        PUSH,
        403,
        error(
            "DENIED",
            "adding 2.2 MiB of storage resource, which will exceed the configured upper limit",
        ),
        RegistryFullError,
        "403 DENIED: adding 2.2 MiB",
    ),
    "Quay's quota": (
        PUSH,
        403,
        error("DENIED", "Quota has been exceeded on namespace"),
        RegistryFullError,
        "Quota has been exceeded",
    ),
    "Artifactory's disk": (
        PUSH,
        413,
        error("UNKNOWN", "Datastore disk usage is too high. Contact your administrator"),
        RegistryFullError,
        "Datastore disk usage is too high",
    ),
    "distribution's disk": (
        PUSH,
        500,
        error("UNKNOWN", "write /var/lib/registry: no space left on device"),
        RegistryFullError,
        "no space left on device",
    ),
    "WebDAV's word": (PUSH, 507, b"", RegistryFullError, "507 Insufficient Storage"),
    "nginx' body limit": (
        PUSH,
        413,
        b"<html>\r\n<head><title>413 Request Entity Too Large</title></head>",
        BodyLimitError,
        "413 Request Entity Too Large",
    ),
    "Quay is read-only": (
        PUSH,
        405,
        error("READ_ONLY_MODE", "System is currently read-only."),
        RegistryReadOnlyError,
        "does not let us push to team/x: 405 READ_ONLY_MODE",
    ),
    "Harbor is read-only": (
        PUSH,
        403,
        error("DENIED", "The system is in read only mode. Any modification is prohibited."),
        RegistryReadOnlyError,
        "read only mode",
    ),
    "distribution is read-only": (PUSH, 405, b"", RegistryReadOnlyError, "405 Method Not Allowed"),
    "Amazon's repositories are made first": (
        PUSH,
        404,
        error("NAME_UNKNOWN", "The repository with name 'x' does not exist in the registry"),
        RepositoryNotFoundError,
        "404 NAME_UNKNOWN: The repository with name 'x' does not exist",
    ),
    "somebody's project is made first, says Harbor": (
        PUSH,
        401,
        error("UNAUTHORIZED", "project team not found: project team not found"),
        RepositoryNotFoundError,
        "401 UNAUTHORIZED: project team not found",
    ),
    "a replica that has not heard of the upload": (
        PUSH,
        404,
        error("BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry"),
        RegistryFaultError,
        "could not push to team/x: 404 BLOB_UPLOAD_UNKNOWN: blob upload unknown to registry.",
    ),
    "nobody asked": (
        PUSH,
        401,
        error("UNAUTHORIZED", "authentication required"),
        CredentialsMissingError,
        "401 UNAUTHORIZED: authentication required. Fairlead has no credentials for it.",
    ),
    "nobody asked, and was denied": (PUSH, 403, b"", CredentialsMissingError, "403 Forbidden."),
    "somebody is not known": (
        PUSH,
        401,
        b'{"details": "incorrect username or password"}',
        CredentialsRefusedError,
        f"401 incorrect username or password. It was asked with {SOMEBODY}.",
    ),
    "somebody is not known to OAuth": (
        PUSH,
        400,
        b'{"error": "invalid_grant", "error_description": "AADSTS70021: No matching"}',
        CredentialsRefusedError,
        "400 invalid_grant: AADSTS70021: No matching. It was asked with",
    ),
    "somebody may not": (
        PUSH,
        403,
        error("DENIED", "requested access to the resource is denied"),
        RegistryDeniedError,
        f"403 DENIED: requested access to the resource is denied. It was asked with {SOMEBODY}.",
    ),
    "reading is not allowed": (READ, 405, b"", RegistryDeniedError, "405 Method Not Allowed"),
    "it is not there": (
        READ,
        404,
        error("MANIFEST_UNKNOWN", ""),
        NotInRegistryError,
        "could not read team/x:1: 404 MANIFEST_UNKNOWN.",
    ),
    "it is ill": (READ, 503, b"<html>", RegistryUnreachableError, "503 Service Unavailable."),
    "a sign-in page": (READ, 302, b"", RegistryFaultError, "302 Found (it leads to https://sso/)"),
    "OAuth's words": (
        PUSH,
        400,
        b'{"error": "invalid_request", "error_description": "AADSTS70021: No matching"}',
        RegistryFaultError,
        "400 invalid_request: AADSTS70021: No matching",
    ),
}


def told(call: Call, status: int, body: bytes, name: str = "") -> RegistryError:
    leads = "https://sso/" if status < 400 else ""
    return refusal(call, status, body, Asked(SOMEBODY if "somebody" in name else ""), leads=leads)


@pytest.mark.parametrize("name", CASES)
def test_an_answer_is_told_as_what_it_is_in_the_servers_own_words(name: str) -> None:
    call, status, body, kind, said = CASES[name]
    error = told(call, status, body, name)
    assert type(error) is kind
    assert said in str(error)
    assert str(error).startswith("The registry r.example.com ")


def test_every_row_counts_for_some_answer() -> None:
    """A row that none of the cases above needs has no test."""
    fitting = set()
    for name, (call, status, body, _, _) in CASES.items():
        said = f"{told(call, status, body, name)} {body.decode()}".lower()
        known = "somebody" in name
        rows = (r for r in REFUSALS if r.means(status, said, writes=call.writes, known=known))
        fitting.add(next(rows, None))
    assert fitting == set(REFUSALS)


@pytest.mark.parametrize(
    "kind", [case[3] for case in CASES.values()], ids=lambda kind: kind.__name__
)
def test_each_kind_has_a_reason_and_a_remedy_that_names_the_host(kind: type[RegistryError]) -> None:
    failure = failure_of(kind(HERE, "m"))
    assert failure
    assert failure.retryable
    assert failure.reason is REGISTRY[kind][0]
    assert "{" not in str(failure.remedy)


def test_the_secret_of_every_namespace_is_named_where_nothing_was_found_in_it() -> None:
    asked = Asked(looked=": Secret 'all' is not in this namespace, or not for this host")
    said = str(refusal(PUSH, 401, b"", asked))
    assert said.endswith(
        "401 Unauthorized. Fairlead has no credentials for it: Secret 'all' is not in this "
        "namespace, or not for this host."
    )


def test_the_servers_words_are_redacted_and_short() -> None:
    body = error("DENIED", "password=hunter2 \x1b[31m" + 5000 * "x")
    said = str(told(PUSH, 403, body))
    assert "hunter2" not in said
    assert "\x1b" not in said
    assert len(said) < 700


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: no local issuer",
            RegistryUntrustedError,
            "its certificate is not trusted: no local issuer",
        ),
        ("[SSL: WRONG_VERSION_NUMBER] wrong version", RegistryTlsError, "does not speak TLS."),
        ("[SSL: RECORD_LAYER_FAILURE] record layer", RegistryTlsError, "does not speak TLS."),
        ("Connection refused", RegistryUnreachableError, "does not answer (Connection refused)"),
    ],
)
def test_a_connection_that_comes_to_nothing_is_told_as_what_it_is(
    said: str, kind: type[RegistryError], words: str
) -> None:
    error = no_answer(HERE, OSError(said))
    assert type(error) is kind
    assert words in str(error)
