"""Addresses that are none are refused in words, wherever they stand."""

from typing import Any

import pytest
from pydantic import ValidationError

from fairlead.api.model import ModelSource
from fairlead.api.reasons import Reason
from fairlead.sources import gcs, huggingface, s3
from fairlead.sources.base import SourceError
from fairlead.sources.kinds import describe, store_at
from fairlead.sources.remote import RemoteFile, SourceAccess
from fairlead.sources.secret_keys import SecretKeys, endpoint
from fairlead.sources.uri import file_name
from tests.unit.sources.scripted import ScriptedExchange

NONE = (
    "https://[x/",
    "https://exa\u2100mple.com/x",
    "s3://[x/a",
    "gs://[x/a",
    "hf://[x/a",
    "az://[/x",
)


def listed(uri: str) -> list[RemoteFile]:
    exchange: Any = ScriptedExchange({"https": (404, {}, b"")})
    opener = store_at(uri)
    assert opener is not None
    return list(next(iter(opener(SourceAccess(uri, None, {})))).files(exchange))


@pytest.mark.parametrize("uri", NONE)
def test_an_address_that_is_none_is_refused(uri: str) -> None:
    assert describe(ModelSource.model_construct(uri=uri)) == uri
    with pytest.raises(SourceError, match="is no address") as told:
        listed(uri)
    assert told.value.reason is Reason.MODEL_SOURCE_REFUSED
    with pytest.raises(SourceError, match="is no address"):
        file_name(uri, "m")


@pytest.mark.parametrize("uri", [*NONE, "https://[::1/x", "oci://[x/a:1", "https://a\u00e4.com/x"])
def test_the_schema_refuses_it_first(uri: str) -> None:
    with pytest.raises(ValidationError):
        ModelSource(uri=uri)


@pytest.mark.parametrize(
    "uri",
    [
        "https://[2001:db8::1]:8443/m.pkl?sig=%3D",
        "http://files.internal:8080/m",
        "s3://my.bucket_1/a b".replace(" ", "%20"),
        "s3://models/\u00fc",
        "oci://r.example.com:5000/team/m@sha256:0",
        "hf://o-rg/n.ame@main/x",
        "az://$root/x",
        "abfss://c@models.dfs.core.windows.net",
    ],
)
def test_the_schema_lets_addresses_through(uri: str) -> None:
    assert ModelSource(uri=uri).uri == uri


@pytest.mark.parametrize(
    "told", ["https://[x", "file:///etc", "host", "https://h?x=1", "https://\u2100"]
)
def test_a_server_that_a_secret_names_is_an_address(told: str) -> None:
    with pytest.raises(SourceError, match="names no https:// address under KEY") as error:
        endpoint(told, "KEY")
    assert error.value.reason is Reason.CREDENTIALS_INVALID
    for store in (
        s3.S3Store("s3://b/a", SecretKeys({"AWS_ENDPOINT_URL": told})),
        gcs.GcsStore("gs://b/a", SecretKeys({"STORAGE_EMULATOR_HOST": told})),
        huggingface.HubStore("hf://o/n", SecretKeys({"HF_ENDPOINT": told})),
    ):
        with pytest.raises(SourceError, match="names no https:// address under "):
            list(store.files(ScriptedExchange({})))  # type: ignore[arg-type]


def test_a_server_keeps_its_path() -> None:
    assert endpoint("https://h/base/", "KEY") == "https://h/base"


def test_a_page_of_the_hub_that_leads_to_no_address_leads_nowhere() -> None:
    sha = b'{"sha": "%s"}' % (b"a" * 40)
    answers: Any = {
        "https://huggingface.co/api/models/o/n/revision": (200, {}, sha),
        "https://huggingface.co/api/models/o/n/tree": (
            200,
            {"link": '<https://[x>; rel="next"'},
            b"[]",
        ),
    }
    exchange: Any = ScriptedExchange(answers)
    assert list(huggingface.HubStore("hf://o/n", SecretKeys({})).files(exchange)) == []
