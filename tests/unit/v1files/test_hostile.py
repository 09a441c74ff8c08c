"""Files of strangers: each ends in one clear list, in bounded time, and nothing of it comes out."""

import json
import time

import pytest

from fairlead.finding import MAX_PROBLEMS_READ
from fairlead.v1files.conversion import Converted, convert
from fairlead.v1files.document import MAX_FILE_BYTES
from tests.unit.v1files.memory_tree import MemoryTree

SCORE = "def init(): pass\ndef run(data): return data\n"
AKS = '{"computeType": "aks"}'
BOMB = "a: &a [x, x, x, x]\nb: &b [*a, *a, *a, *a]\nc: [*b, *b, *b, *b]\ncomputeType: aks\n"
LONG = "[" + "1," * 200_000 + "1]"


def deployed(content: str | bytes) -> Converted:
    files = {"score.py": SCORE, "d.json": content}
    return convert(["-n", "x", "--es", "score.py", "--dc", "d.json"], MemoryTree(files))


def inferred(content: str | bytes, **others: str | bytes) -> Converted:
    files = {"score.py": SCORE, "i.json": content, **others}
    return convert(["-n", "x", "--ic", "i.json"], MemoryTree(files))


def problems(converted: Converted) -> list[tuple[str, str]]:
    return [(note.place, note.message) for note in converted.notes.problems]


@pytest.mark.parametrize(
    ("content", "place", "says"),
    [
        (BOMB, "d.json:2", "alias"),
        (b"\x80\x04\x95pickle", "d.json:1", "no text in UTF-8"),
        ("{}".encode("utf-16"), "d.json:1", "no text in UTF-8"),
        (b"\x00\x01\x02", "d.json", "neither JSON nor YAML"),
        (b"x" * (MAX_FILE_BYTES + 1), "--dc", "longer than 1024 KiB"),
        ("", "d.json", "it is empty"),
        ("[1, 2]", "d.json", "no mapping"),
        ("just text", "d.json", "no mapping"),
        ("{" + '"a": {' * 200 + "}" * 200 + "}", "d.json:1", "nested too deeply"),
        ("a: " + "[" * 100 + "]" * 100, "d.json:1", "nested too deeply"),
        (f'{{"a": {LONG}}}', "d.json:1", "too many entries"),
        (f"a: {LONG}", "d.json:1", "too many entries"),
        ('{\n"computeType": "aks",,\n}', "d.json:2", "it is not JSON"),
        ("a: [1\nb: 2", "d.json:2", "neither JSON nor YAML"),
        ('{"numReplicas": ' + "9" * 5000 + "}", "d.json", "a number that is too long"),
        ("numReplicas: " + "9" * 5000, "d.json", "neither JSON nor YAML"),
        ("a: 1\n---\nb: 2\n", "d.json:2", "neither JSON nor YAML"),
    ],
)
def test_a_file_that_is_none(content: str | bytes, place: str, says: str) -> None:
    converted = deployed(content)
    assert [(where, says in words) for where, words in problems(converted)] == [(place, True)]
    assert converted.manifests == ()


@pytest.mark.parametrize(
    "value", ['"many"', "[1]", "{}", "true", '"1e999"', "NaN", "Infinity", "1.5", '"\\ud800"']
)
def test_a_value_of_another_type_is_told_with_its_line(value: str) -> None:
    converted = deployed(f'{{"computeType": "aks",\n\n"numReplicas": {value}}}')
    wanted = "num_replicas (`numReplicas`) must be a whole number"
    assert problems(converted) == [("d.json:3", wanted)]


def test_blocks_of_another_type() -> None:
    text = (
        '{"computeType": "aks", "autoScaler": [1],\n'
        '"keys": "k", "containerResourceRequirements": 3}'
    )
    assert [place for place, _ in problems(deployed(text))] == ["d.json:1", "d.json:2", "d.json:2"]


def test_every_type_is_looked_at_in_an_inference_configuration() -> None:
    everything = json.dumps(
        {
            "entryScript": ["score.py"],
            "sourceDirectory": True,
            "enableGpu": "maybe",
            "dependencies": {"a": 1},
            "baseImageRegistry": [1],
            "environment": {"python": "3.8", "docker": [1], "environmentVariables": ["A=1"]},
        },
        indent=0,
    )
    found = problems(inferred(everything))
    assert {place for place, _ in found} >= {"i.json:2", "i.json:5", "i.json:6"}
    assert len(found) >= 8


def test_a_variable_that_is_no_text() -> None:
    text = (
        '{"entryScript": "score.py", '
        '"environment": {"environmentVariables": {"A": [1], "B": null}}}'
    )
    converted = inferred(text)
    assert problems(converted) == [("i.json:1", "the variable `A` must be a text")]


def test_thousands_of_unknown_keys_are_counted() -> None:
    keys = {f"key{number}": 1 for number in range(3000)}
    converted = deployed(json.dumps({"computeType": "aks", **keys}))
    assert len(converted.notes.remarks) == MAX_PROBLEMS_READ
    assert converted.notes.left_out == 3000 - MAX_PROBLEMS_READ


def test_thousands_of_arguments() -> None:
    converted = convert(["x.json"] * 3000, MemoryTree({}))
    assert ("the command", "more than 1000 arguments") in problems(converted)


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../outside.py", "C:\\\\secret\\\\score.py", "a/../../outside.py"]
)
def test_a_path_that_leads_out_of_the_folder_is_refused(path: str) -> None:
    tree = {"i.json": f'{{"entryScript": "{path}"}}', "../outside.py": SCORE, "/etc/passwd": "root"}
    converted = convert(["-n", "x", "--ic", "i.json"], MemoryTree(tree))
    ((place, words),) = problems(converted)
    assert place == "i.json:1"
    assert "leads out" in words
    assert converted.manifests == ()


def test_a_link_that_leads_out_of_the_folder_is_refused() -> None:
    tree = MemoryTree(
        {"i.json": '{"entryScript": "score.py"}', "score.py": "root:x"}, {"score.py": "/etc/passwd"}
    )
    converted = convert(["-n", "x", "--ic", "i.json"], tree)
    assert "leads out" in problems(converted)[0][1]


def test_a_path_that_was_typed_may_lie_anywhere() -> None:
    tree = MemoryTree({"../elsewhere/score.py": SCORE})
    assert not problems(convert(["-n", "x", "--es", "../elsewhere/score.py"], tree))


def test_no_value_of_a_key_is_ever_told() -> None:
    secret = "hunter2hunter2"
    text = json.dumps(
        {
            "computeType": secret,
            "keys": {"primaryKey": [secret], "secondaryKey": secret},
            "sslKey": secret,
            f"password={secret}": 1,
        }
    )
    told = "".join(
        f"{note.place}{note.message}{note.remedy}" for note in deployed(text).notes.all()
    )
    assert told.count(secret) == 1  # of computeType: what it is not
    assert "password=***" in told


def test_control_characters_do_not_reach_the_terminal() -> None:
    converted = deployed('{"computeType": "aks", "\\u001b[31mred\\u0007": 1}')
    (remark,) = [note for note in converted.notes.remarks if "not known" in note.message]
    assert "\x1b" not in remark.message


def test_a_script_with_control_characters_goes_as_binary_data() -> None:
    from fairlead.v1files.emit import objects

    tree = MemoryTree({"score.py": SCORE + "# \x07\n"})
    converted = convert(["-n", "x", "--es", "score.py"], tree)
    assert "binaryData" in objects(converted)[0]


def test_many_models() -> None:
    words = [word for number in range(40) for word in ("-m", f"m{number}:1")]
    tree = MemoryTree({"score.py": SCORE})
    found = problems(convert(["-n", "x", "--es", "score.py", *words], tree))
    assert found == [("-m", "more than 32 models")]


def test_what_our_types_refuse_is_told_with_the_file_s_line() -> None:
    converted = deployed(
        '{"computeType": "aks",\n"numReplicas": 5000,\n"gpuCores": 900,\n"scoringTimeoutMs": 1e12}'
    )
    assert [place for place, _ in problems(converted)] == ["d.json:2", "d.json:3", "d.json:4"]
    named = convert(["-n", "x", "--es", "my-score.py"], MemoryTree({"my-score.py": SCORE}))
    assert problems(named)[0][0] == "--es"


@pytest.mark.parametrize(
    "text",
    [
        '{"a": "' + '\\"' * 500_000,
        '{"a": ' + '"x' * 500_000,
        '{"computeType": "aks", "a": "' + '\\"' * 400_000 + '"}',
    ],
)
def test_quotes_without_an_end_are_read_in_time_that_grows_with_their_number(text: str) -> None:
    begin = time.monotonic()
    deployed(text)
    assert time.monotonic() - begin < 60  # one quote after the other would take hours


def test_many_unknown_keys_are_not_all_compared() -> None:
    keys = {f"{'k' * 90}{number}": 1 for number in range(9000)}
    begin = time.monotonic()
    deployed(json.dumps({"computeType": "aks", **keys}))
    assert time.monotonic() - begin < 60


@pytest.mark.parametrize("name", ["azureml_environment.json", "conda_dependencies.yml"])
def test_a_link_in_a_folder_of_an_environment_leads_nowhere(name: str) -> None:
    files = {
        "e/azureml_environment.json": '{"python": {}, "docker": {}}',
        "e/conda_dependencies.yml": "dependencies: [pip]\n",
        "score.py": SCORE,
    }
    tree = MemoryTree(files, {f"e/{name}": "/home/me/.secret"})
    found = problems(convert(["-n", "x", "e", "score.py"], tree))
    assert (f"e/{name}", f"`e/{name}` is a link that leads out of its folder") in found


def test_a_link_in_a_project_leads_nowhere() -> None:
    files = {"p/inferenceconfig.json": '{"entryScript": "score.py"}', "p/score.py": SCORE}
    tree = MemoryTree(files, {"p/inferenceconfig.json": "/etc/x.json"})
    assert "leads out of its folder" in problems(convert(["p"], tree))[0][1]


def test_commands_to_paste_hold_no_words_of_strangers_with_signs_of_a_shell() -> None:
    registry = '{"address": "a.io; rm -rf ~", "username": "u", "password": "hunter2"}'
    converted = inferred(
        f'{{"entryScript": "score.py", "baseImage": "b", "baseImageRegistry": {registry}}}'
    )
    environment = inferred('{"entryScript": "score.py", "environment": {"name": "$(reboot)"}}')
    remedies = [note.remedy for one in (converted, environment) for note in one.notes.all()]
    assert any("--docker-server=… " in remedy for remedy in remedies)
    assert any("download -n … " in remedy for remedy in remedies)
    assert not any("rm -rf" in remedy or "reboot" in remedy for remedy in remedies)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("c.yml", "dependencies: [pip]\nvariables: {DB_PASSWORD: hunter2}\n"),
        ("steps", "ENV A=1 DB_PASSWORD='hunter2'\n"),
        ("steps", "ENV DB_PASSWORD hunter2\n"),
        ("steps", "ARG api_key=hunter2\n"),
    ],
)
def test_passwords_that_files_set_are_not_carried(name: str, content: str) -> None:
    words = ["-n", "x", "--es", "score.py", "--cf" if name == "c.yml" else "--ds", name]
    converted = convert(words, MemoryTree({"score.py": SCORE, name: content}))
    ((place, message),) = problems(converted)
    assert place == name
    assert "seems to hold a key or a password" in message
    assert "hunter2" not in message


def test_keys_in_records_and_descriptions_are_left_out() -> None:
    record = json.dumps(
        {
            "modelId": "m:1",
            "description": "password=hunter2",
            "tags": {"area": "a", "connection_string": "hunter2"},
            "properties": {"sas": "https://a/b?sig=hunter2hunter2hunter2hunter2"},
        }
    )
    files = {
        "score.py": SCORE,
        "m.json": record,
        "i.json": '{"entryScript": "score.py", "description": "token: hunter2hunter2"}',
    }
    converted = convert(["-n", "x", "--ic", "i.json", "-f", "m.json"], MemoryTree(files))
    assert "hunter2" not in json.dumps(converted.manifests)
    assert converted.manifests[0]["spec"]["tags"] == {"area": "a"}
    assert sum("left out" in note.message for note in converted.notes.remarks) == 4
