"""Parts of the conversion that the forms in tests/golden do not reach."""

import io
import tarfile

import pytest

from fairlead.v1files.arguments import read_arguments
from fairlead.v1files.carried import Carried, Form, fits_config_map
from fairlead.v1files.conversion import Converted, convert
from fairlead.v1files.emit import archive, as_files, objects
from fairlead.v1files.names import object_name
from fairlead.v1files.notes import Notes
from fairlead.v1files.secrecy import is_secret, secret_line
from fairlead.v1files.tree import Walk, clean, joined
from fairlead.v1files.webservice import cores, gibibytes
from tests.unit.v1files.memory_tree import MemoryTree

SCORE = "def init(): pass\ndef run(data): return data\n"
IC = '{"entryScript": "score.py", "sourceDirectory": "src"}'


def made(words: str, files: dict[str, str | bytes]) -> Converted:
    return convert(words.split(), MemoryTree({"score.py": SCORE, **files}))


def messages(converted: Converted) -> str:
    return "\n".join(f"{note.place}: {note.message}" for note in converted.notes.all())


@pytest.mark.parametrize(
    ("name", "files", "form"),
    [
        ("flat and small", {"src/a.py": ""}, Form.CONFIG_MAP),
        ("folders", {"src/lib/a.py": ""}, Form.INLINE),
        ("binary in a folder", {"src/lib/a.bin": b"\x80"}, Form.ARCHIVE),
        ("large", {"src/a.csv": "x" * 1_000_000}, Form.ARCHIVE),
        ("a name no key has", {"src/a b.txt": "x"}, Form.ARCHIVE),
    ],
)
def test_the_simplest_form_that_holds_the_source(
    name: str, files: dict[str, str | bytes], form: Form
) -> None:
    converted = made("-n x --ic i.json", {"i.json": IC, "src/score.py": SCORE, **files})
    image = converted.manifests[0]["spec"]
    kinds = {"configMap": Form.CONFIG_MAP, "inline": Form.INLINE, "uri": Form.ARCHIVE}
    assert kinds[next(iter(image["source"]))] is form, name


def test_what_no_config_map_holds_becomes_an_archive_and_says_what_to_do() -> None:
    files: dict[str, str | bytes] = {"i.json": IC, "src/score.py": SCORE, "src/d/x": b"\x80"}
    converted = made("-n x --ic i.json", files)
    assert "https://source.invalid" in converted.manifests[0]["spec"]["source"]["uri"]
    (remark,) = [note for note in converted.notes.remarks if "archive" in note.message]
    assert "oras push" in remark.remedy
    packed = as_files(converted, "out")["x-source.tar.gz"]
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        assert tar.getnames() == ["d/x", "score.py"]
    assert packed == archive({"score.py": SCORE.encode(), "d/x": b"\x80"})


def test_configurations_are_none_of_the_source() -> None:
    files: dict[str, str | bytes] = {
        "i.json": '{"entryScript": "score.py", "sourceDirectory": "."}',
        "d.json": '{"computeType": "aks", "keys": {"primaryKey": "hunter2"}}',
        ".azureml/a.runconfig": "x: hunter2",
    }
    converted = made("-n x --ic i.json --dc d.json", files)
    assert set(objects(converted)[0]["data"]) == {"score.py"}


def test_dependencies_of_version_one() -> None:
    files: dict[str, str | bytes] = {
        "i.json": '{"entryScript": "score.py", "dependencies": ["lib", "names.txt", "no.txt"]}',
        "lib/a.py": "A = 1\n",
        "names.txt": "a\n",
    }
    assert "Dependency `no.txt` doesn't exist" in messages(made("-n x --ic i.json", files))
    files["i.json"] = '{"entryScript": "score.py", "dependencies": ["lib", "names.txt"]}'
    source = made("-n x --ic i.json", files).manifests[0]["spec"]["source"]
    assert sorted(source["inline"]["files"]) == ["lib/a.py", "names.txt", "score.py"]


def test_two_files_of_one_name() -> None:
    files: dict[str, str | bytes] = {
        "a/x.yml": "dependencies: []\n",
        "x.yml": "dependencies: [pip]\n",
    }
    files["i.json"] = (
        '{"entryScript": "score.py", "dependencies": ["x.yml"], "condaFile": "a/x.yml"}'
    )
    assert "two files of the source would be called `x.yml`" in messages(
        made("-n x --ic i.json", files)
    )


@pytest.mark.parametrize(
    ("words", "files", "says"),
    [
        ("-n x", {}, "no entry script is named"),
        ("-n", {}, "`-n` needs a value"),
        ("score.py score.pkl", {"score.pkl": b"\x80"}, "`score.pkl` is none of v1's files"),
        ("empty", {"empty/readme.md": ""}, "`empty` has none of v1's files"),
        ("score.py other.json", {"other.json": '{"a": 1}'}, "has the keys of none of v1's files"),
        ("--es score.py --ed d", {"d/x": ""}, "has no azureml_environment.json"),
        (
            "--es score.py a.json b.json",
            {"a.json": '{"computeType": "aks"}', "b.json": '{"computeType": "aci"}'},
            "`b.json` is a second file of its kind",
        ),
        (
            "p",
            {"p/aciDeploymentConfig.yml": "computeType: aci", "p/aksDeploymentConfig.yml": "a: 1"},
            "several deployment configurations",
        ),
        ("p score.py", {"p/.azureml/a.runconfig": "script: a", "p/.azureml/b.runconfig": "a: 1"},
         "several run configurations"),
        ("--es score.py -f m.json", {"m.json": "{}"}, "it names no model"),
        ("--es score.py -f m.json", {"m.json": '{"modelId": "bad/x:1"}'}, "model name is invalid"),
        ("--es score.py -m m=nowhere", {}, "the model `nowhere` is not there"),
        ("--es score.py -m m=https://a.blob.core.windows.net/m?sig=aaaaaaaaaaaaaaaaaaaaaaaa", {},
         "holds a key"),
        ("--es score.py -m m:1 -m m:2", {}, "named with two versions"),
        ("--es score.py --tag novalue", {}, "is not KEY=VALUE"),
        ("--es score.py -e env", {}, "is kept in the workspace"),
        ("--es score.py --se true --cp aci", {}, "you must provide a SSL certificate"),
        ("--es score.py --cp aci --vnet-name a", {}, "must all have values or none"),
        ("--es score.py --cp local --po 70000", {}, "port must be an integer in range"),
        ("--es score.py --cp aksendpoint --tp 101", {}, "traffic_percentile cannot be negative"),
        ("--es score.py --cf c.yml requirements.txt",
         {"c.yml": "dependencies: [pip]", "requirements.txt": "a"}, "exclude each other"),
        ("--es score.py --ds steps", {"steps": "FROM a\n"}, "FROM is not allowed here"),
        ("--es score.py --eg", {}, "CUDA is not added"),
        ("--es score.py --base-image b:1 --base-image-registry r.io", {}, ""),
    ],
)  # fmt: skip
def test_what_is_said(words: str, files: dict[str, str | bytes], says: str) -> None:
    assert says in messages(made(words, files))


def test_a_base_image_of_a_registry() -> None:
    words = "-n x --es score.py --base-image b:1 --base-image-registry https://r.example.com/"
    assert made(words, {}).manifests[0]["spec"]["baseImage"] == "r.example.com/b:1"


def test_a_registry_without_address() -> None:
    text = '{"entryScript": "score.py", "baseImage": "b", "baseImageRegistry": {"username": "u"}}'
    assert "Address, Username and Password must be" in messages(
        made("-n x --ic i.json", {"i.json": text})
    )


def test_an_environment_by_its_name_alone() -> None:
    text = '{"entryScript": "score.py", "environment": "AzureML-Minimal"}'
    assert "is kept in the workspace" in messages(made("-n x --ic i.json", {"i.json": text}))


def test_blocks_that_hold_something() -> None:
    text = (
        '{"entryScript": "score.py", "environment": {"spark": {"packages": [{"group": "a"}]}, '
        '"r": {"rVersion": "3"}, "databricks": {"pypiLibraries": ["x"]}, '
        '"python": {"baseCondaEnvironment": "base"}}}'
    )
    said = messages(made("-n x --ic i.json", {"i.json": text}))
    assert all(f"`{name}` has no counterpart" in said for name in ("spark", "databricks"))
    assert "baseCondaEnvironment has no counterpart" in said


def test_a_dockerfile_beside_its_environment_or_named_by_it() -> None:
    text = (
        '{"entryScript": "score.py", "environment": {"docker": {"baseDockerfile": "Dockerfile"}}}'
    )
    files: dict[str, str | bytes] = {"i.json": text, "Dockerfile": "FROM a:1\n"}
    spec = made("-n x --ic i.json", files).manifests[0]["spec"]
    assert spec["baseImage"] == "a:1"
    assert "dockerFile" not in spec
    files["Dockerfile"] = "FROM ${BASE}\n"
    assert "is not taken apart" in messages(made("-n x --ic i.json", files))
    files["Dockerfile"] = "RUN " + "x" * 40_000
    assert "is longer than 32 KiB" in messages(made("-n x --ic i.json", files))


def test_packages_that_the_user_manages() -> None:
    text = (
        '{"entryScript": "score.py", "environment": {"python": {"userManagedDependencies": true, '
        '"condaDependencies": {"dependencies": ["a"]}}}}'
    )
    converted = made("-n x --ic i.json", {"i.json": text})
    assert "v1 took no notice of the conda file" in messages(converted)
    assert "condaFile" not in converted.manifests[0]["spec"]


@pytest.mark.parametrize("large", [True, False])
def test_a_model_in_a_folder(large: bool) -> None:  # noqa: FBT001
    content = "x" * (1_000_000 if large else 10)
    converted = made("-n x --es score.py -m m=model", {"model/a": content, "model/b": "y"})
    source = converted.manifests[0]["spec"]["source"]
    assert ("uri" in source) is large
    assert ("fits into no ConfigMap" in messages(converted)) is large


def test_names_of_objects() -> None:
    assert object_name("My_Model.pkl") == "my-model-pkl"
    assert object_name("---") == "service"
    assert object_name("a" * 90) == "a" * 50
    assert object_name("a", {"a", "a-2"}) == "a-3"


def test_paths() -> None:
    assert clean(" .\\src\\score.py ") == "src/score.py"
    assert joined("a/b", "../c") == "a/c"
    assert joined(".", ".") == "."
    assert joined("a", "/etc") == "/etc"
    assert joined("a", "../../b") == "../b"


def test_quantities() -> None:
    assert (cores(0.1), cores(2.0), cores(0.00001)) == ("100m", "2", "1m")
    assert (gibibytes(0.5), gibibytes(3.0)) == ("512Mi", "3Gi")


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("AZURE_CLIENT_SECRET", "x", True),
        ("primaryKey", "x", True),
        ("CONNECTION_STRING", "x", True),
        ("URL", "postgres://me:pw123@db/x", True),
        ("AUTHOR", "me", False),
        ("USE_TOKEN", "true", False),
        ("MAX_TOKENS", "512", False),
        ("KEYBOARD", "qwerty", False),
    ],
)
def test_what_seems_to_be_a_key(name: str, value: str, secret: bool) -> None:  # noqa: FBT001
    assert is_secret(name, value) is secret


def test_code_that_only_names_keys_holds_none() -> None:
    assert (
        secret_line("token = tokenizer(x)\npassword = os.environ['P']\nurl = f'a://{u}:{p}@h'")
        is None
    )
    assert secret_line("a\n-----BEGIN RSA PRIVATE KEY-----\n") == 2


def test_a_folder_that_is_too_large_or_has_links() -> None:
    class Large(MemoryTree):
        def walk(self, folder: str, *, source: bool = False) -> Walk:  # noqa: ARG002
            return Walk({}, (f"{folder}/out",), too_large=True)

    class Linked(MemoryTree):
        def walk(self, folder: str, *, source: bool = False) -> Walk:  # noqa: ARG002
            return Walk({"gone.py": 1}, (f"{folder}/out",))

    notes = Notes()
    Carried(notes).add_folder("src", "", (), Large({}))
    Carried(notes).add_folder("src", "", (), Linked({}))
    assert ["MiB" in one.message for one in notes.problems] == [True, False]
    assert notes.remarks[0].message.endswith("regular files of this folder: src/out")


def test_nothing_fits_into_a_config_map_that_is_nothing() -> None:
    assert not fits_config_map({})
    assert not fits_config_map({"..": b""})
    assert not fits_config_map({f"f{n}": b"" for n in range(201)})


@pytest.mark.parametrize(
    ("words", "name"),
    [(["-nfoo"], "foo"), (["-n=foo"], "foo"), (["--name", "foo"], "foo"), (["--name=foo"], "foo")],
)
def test_spellings(words: list[str], name: str) -> None:
    notes = Notes()
    assert read_arguments(words, notes).texts["name"].value == name
    assert not list(notes.all())


def test_a_beginning_is_enough_where_it_is_the_only_one() -> None:
    notes = Notes()
    assert read_arguments(["--entry=a.py"], notes).texts["entry_script"].value == "a.py"
    assert not list(notes.all())
    read_arguments(["--nam=a"], notes)  # --name or --namespace
    assert [note.place for note in notes.remarks] == ["--nam"]


def test_flags_with_and_without_a_value() -> None:
    found = read_arguments(["--ae", "--se", "False", "--as=true", "-v", "--no-wait"], Notes())
    assert {name: said.value for name, said in found.knobs.items()} == {
        "--auth-enabled": "true",
        "--ssl-enabled": "False",
        "--autoscale-enabled": "true",
    }
