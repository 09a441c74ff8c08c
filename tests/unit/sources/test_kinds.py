"""The table of sources has a row for each field of ``spec.source``, and nothing else."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from fairlead.api.model import ModelSource, ModelSpec
from fairlead.contract import IngestRequest
from fairlead.images.hashes import ingest_key
from fairlead.job_request import CREDENTIALS_FOLDER, SOURCE, VOLUME_FOLDER
from fairlead.settings import Settings
from fairlead.sources.base import SourceError
from fairlead.sources.files import FilesSource
from fairlead.sources.kinds import (
    SOURCE_KINDS,
    Address,
    describe,
    open_address,
    open_source,
    store_at,
)
from fairlead.sources.oci import OciSource
from fairlead.sources.remote import RemoteSource, SourceAccess
from fairlead.sources.uri import UriSource
from fairlead.sources.volume import VolumeSource

SIGNED = "https://models.example.com/m.pkl?sig=c2VjcmV0c2VjcmV0c2VjcmV0"
SOURCES = {
    "uri": ModelSource.model_validate({"uri": SIGNED}),
    "config_map": ModelSource.model_validate({"configMap": {"name": "weights"}}),
    "persistent_volume_claim": ModelSource.model_validate(
        {"persistentVolumeClaim": {"claimName": "models", "path": "team/credit"}}
    ),
}


def request(field: str) -> IngestRequest:
    return IngestRequest(repository="r/demo/m", model_name="credit", source=SOURCES[field])


def test_it_has_a_row_for_each_field() -> None:
    assert list(SOURCE_KINDS) == list(ModelSource.model_fields)
    assert {source.given: source for source in SOURCES.values()} == SOURCES
    assert SOURCES.keys() == SOURCE_KINDS.keys()


def test_the_schema_counts_each_field() -> None:
    said = json.dumps(ModelSource.model_json_schema())
    for field in ModelSource.model_fields.values():
        assert f"(has(self.{field.alias}) ? 1 : 0)" in said


def test_a_source_is_described_without_what_signs_it() -> None:
    assert describe(SOURCES["config_map"]) == "configmap/weights"
    volume = describe(SOURCES["persistent_volume_claim"])
    assert volume == "persistentvolumeclaim/models/team/credit"
    assert describe(SOURCES["uri"]).startswith("https://models.example.com/m.pkl?sig=")
    assert "c2VjcmV0" not in describe(SOURCES["uri"])


@pytest.mark.parametrize("uri", ["http://h.example/m.pkl", "oci://h.example/m:1", "s3://b/m.pkl"])
def test_who_is_trusted_is_not_read_before_somebody_is_asked_by_tls(
    uri: str, tmp_path: Path
) -> None:
    """It takes longer than to fetch a small model."""
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    asked = Address(uri, "credit", secret=False, identity=False)
    open_address(asked, Settings(ca_bundle=broken))


def test_a_source_is_opened_by_its_row(tmp_path: Path) -> None:
    files = open_source(request("config_map"), tmp_path, Settings())
    assert files == FilesSource(tmp_path, "configmap/weights")
    volume = open_source(request("persistent_volume_claim"), tmp_path, Settings())
    described = describe(SOURCES["persistent_volume_claim"])
    assert volume == VolumeSource(Path(VOLUME_FOLDER), "team/credit", described)
    address = open_source(request("uri"), tmp_path, Settings())
    assert isinstance(address, UriSource)
    assert (address.uri, address.model_name) == (SIGNED, "credit")


def test_each_source_is_another_ingest() -> None:
    files = {"config_map": {"m.pkl": "sha256:1"}}
    keys = {ingest_key(ModelSpec(source=s), "m", files.get(f, {})) for f, s in SOURCES.items()}
    assert len(keys) == len(SOURCES)


@pytest.mark.parametrize("given", [{}, {"uri": SIGNED, "configMap": {"name": "weights"}}])
def test_none_or_two_sources_are_refused_as_the_schema_refuses_them(given: object) -> None:
    with pytest.raises(
        ValidationError,
        match="exactly one of uri, configMap and persistentVolumeClaim must be given",
    ):
        ModelSource.model_validate(given)


@pytest.mark.parametrize(
    ("uri", "module"),
    [
        ("s3://b/m", "s3"),
        ("gs://b/m", "gcs"),
        ("hf://org/net", "huggingface"),
        ("abfs://c@models.dfs.core.windows.net/m", "azure"),
        ("abfss://c@models.dfs.core.windows.net/m", "azure"),
        ("az://c@models.dfs.core.windows.net/m", "azure"),
        ("https://models.blob.core.windows.net/c/m", "azure"),
    ],
)
def test_each_scheme_is_opened_by_its_file(uri: str, module: str) -> None:
    opener = store_at(uri)
    assert opener is not None
    [store] = opener(SourceAccess(uri, None, {}))
    assert type(store).__module__ == f"fairlead.sources.{module}"


def test_an_identity_counts_where_there_is_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ROLE_ARN", "r")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/token")
    about = {"repository": "r/demo/m", "model_name": "credit", "source": {"uri": "s3://b/m"}}

    def stores(**more: object) -> int:
        wanted = IngestRequest.model_validate({**about, **more})
        source = open_source(wanted, tmp_path, Settings())
        assert isinstance(source, RemoteSource)
        return len(list(source.stores()))

    assert stores(identity=True) == 2  # as the pod, then as nobody
    assert stores() == 1
    with pytest.raises(SourceError, match="has none of the keys"):
        stores(identity=True, credentials="bucket")  # which is mounted nowhere here


def test_a_registry_is_asked_with_the_secret_where_there_is_one(tmp_path: Path) -> None:
    about = {"repository": "r/m", "model_name": "m", "source": {"uri": "oci://r.io/m:1"}}
    for secret, folder in (("", None), ("pull", Path(CREDENTIALS_FOLDER, SOURCE))):
        wanted = IngestRequest.model_validate({**about, "credentials": secret})
        source = open_source(wanted, tmp_path, Settings())
        assert source == OciSource("oci://r.io/m:1", "r.io/m:1", Settings(), folder)
