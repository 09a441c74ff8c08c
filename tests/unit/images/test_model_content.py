"""What a model is: one file stays that file, several make a folder named after it."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pytest

from fairlead.api.reasons import Reason
from fairlead.images.hashes import folder_digest
from fairlead.images.model_content import Content, content_of
from fairlead.sources.base import SourceError


def digest(content: bytes) -> str:
    return f"sha256:{sha256(content).hexdigest()}"


def content(folder: Path, files: Mapping[str, bytes]) -> Content:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text)
    return content_of(folder, {name: digest(text) for name, text in files.items()}, "credit")


@pytest.mark.parametrize(
    ("files", "entry", "names"),
    [
        pytest.param({"m.pkl": b"1"}, "m.pkl", ["m.pkl"], id="one file"),
        pytest.param(
            {"a.bin": b"1", "b.json": b"2"},
            "credit",
            ["credit/a.bin", "credit/b.json"],
            id="several",
        ),
        pytest.param(
            {"saved/a": b"1", "saved/v/b": b"2"}, "saved", ["saved/a", "saved/v/b"], id="one folder"
        ),
        pytest.param({"saved/a": b"1"}, "saved", ["saved/a"], id="a folder of one file"),
        pytest.param(
            {"m.pkl": b"1", ".DS_Store": b"x", "__MACOSX/._m.pkl": b"x", "._m.pkl": b"x"},
            "m.pkl",
            ["m.pkl"],
            id="a Mac's clutter",
        ),
        pytest.param({"credit": b"1"}, "credit", ["credit"], id="a file named like the model"),
        pytest.param(
            {"credit/a": b"1", "b": b"2"}, "credit", ["credit/b", "credit/credit/a"], id="both"
        ),
    ],
)
def test_a_model_is_exactly_one_entry(
    tmp_path: Path, files: dict[str, bytes], entry: str, names: list[str]
) -> None:
    found = content(tmp_path, files)
    assert (found.entry, [file.name for file in found.files]) == (entry, names)
    assert all(file.source.is_file() for file in found.files)


def test_the_digest_of_one_file_is_what_sha256sum_prints(tmp_path: Path) -> None:
    assert content(tmp_path, {"m.pkl": b"1"}).digest == digest(b"1")


def test_the_digest_of_a_folder_is_that_of_what_is_in_it(tmp_path: Path) -> None:
    found = content(tmp_path, {"saved/a": b"1", "saved/v/b": b"2"})
    assert found.digest == folder_digest({"a": digest(b"1"), "v/b": digest(b"2")})
    assert found.size == 2


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "The source holds no file."),
        ({".DS_Store": b"x"}, "The source holds no file."),
        ({"m.pkl": b""}, "The source holds nothing but empty files."),
    ],
    ids=["nothing", "clutter", "empty files"],
)
def test_nothing_is_no_model(tmp_path: Path, files: dict[str, bytes], message: str) -> None:
    with pytest.raises(SourceError) as refused:
        content(tmp_path, files)
    assert (refused.value.reason, str(refused.value)) == (Reason.MODEL_EMPTY, message)
