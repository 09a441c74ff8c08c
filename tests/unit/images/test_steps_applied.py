"""``Dockerfile.steps`` without RUN: what Docker's builder would make of the configuration."""

import pytest

from fairlead.images.steps_applied import DEFAULT_PATH, StepError, applied, placed
from fairlead.inputs.steps_words import WordError, expanded, pairs, split

BASE = {"PATH": "/usr/bin", "HOME": "/root"}


@pytest.mark.parametrize(
    ("word", "means"),
    [
        ("plain", "plain"),
        ("$A", "1"),
        ("${A}x$A", "1x1"),
        ("$", "$"),
        ("$5", "$5"),
        ("a$", "a$"),
        ('"$A b"', "1 b"),
        ("'$A b'", "$A b"),
        (r"\$A", "$A"),
        (r"\'", "'"),
        (r'"\$A\n"', r"$A\n"),
        (r'"\""', '"'),
        ("$NONE", ""),
        ("${NONE:-x$A}", "x1"),
        ("${NONE-x}", "x"),
        ("${EMPTY-x}", ""),
        ("${EMPTY:-x}", "x"),
        ("${A:+yes}", "yes"),
        ("${NONE:+yes}", ""),
        ("${EMPTY+yes}", "yes"),
        ("${EMPTY:+yes}", ""),
        ("a\\", "a"),
    ],
)
def test_a_word_is_read_as_docker_reads_it(word: str, means: str) -> None:
    assert expanded(word, {"A": "1", "EMPTY": ""}) == means


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("'a", "a quote ' is not closed"),
        ('"a', 'a quote " is not closed'),
        ("${A", r"\$\{A is none of"),
        ("${A#x}", r"\$\{A#x\} is none of"),
        ("${NONE:?needed}", "NONE: needed"),
        ("${NONE?}", "NONE: it is not set"),
    ],
)
def test_a_word_that_cannot_be_read_is_refused(word: str, said: str) -> None:
    with pytest.raises(WordError, match=said):
        expanded(word, {"A": "1"})


def test_words_end_at_blanks_outside_of_quotes() -> None:
    assert split(r"""A=1 B="2 3"  C='4 "5' D=6\ 7""") == [
        *("A=1", 'B="2 3"', "C='4 \"5'", r"D=6\ 7"),
    ]


def test_names_and_values_come_in_two_forms() -> None:
    assert pairs("A=1 B=2=3 C=") == [("A", "1"), ("B", "2=3"), ("C", "")]
    assert pairs('A  one "two"  three') == [("A", 'one "two"  three')]


def test_the_steps_change_the_configuration() -> None:
    steps = """
        # a comment
        ARG VERSION=2
        ARG UNSET
        ENV A=$VERSION B="x $UNSET" HOME=/tmp
        ENV A=3 C=$A
        ENV PATH /opt/tools:$PATH
        LABEL team="data science" version=$A
        WORKDIR /opt
        WORKDIR tools/$C
        USER 1000
        SHELL ["/bin/bash", "-c"]
    """
    found = applied(steps, BASE, {"base": "1"}, "/srv")
    assert found.variables == {
        **{"PATH": "/opt/tools:/usr/bin", "HOME": "/tmp"},
        **{"A": "3", "B": "x ", "C": "2"},
    }
    assert found.labels == {"base": "1", "team": "data science", "version": "3"}
    assert found.folders == ["/opt", "/opt/tools/2"]
    assert found.known["VERSION"] == "2"


def test_files_are_placed_as_docker_places_them() -> None:
    steps = """
        ENV DIR=/opt/x
        COPY settings.json $DIR/
        COPY settings.json /opt/renamed.json
        COPY settings.json /etc
        WORKDIR /srv/app
        COPY tools .
        COPY settings.json /srv/app
        COPY settings.json score.py both
    """
    files = {"settings.json", "tools/a/b.sh", "score.py"}
    found = applied(steps, BASE, {}, "")
    assert placed(found, files, {"/etc"}) == {
        "/opt/x/settings.json": "settings.json",
        "/opt/renamed.json": "settings.json",
        "/etc/settings.json": "settings.json",
        "/srv/app/a/b.sh": "tools/a/b.sh",
        "/srv/app/settings.json": "settings.json",
        "/srv/app/both/settings.json": "settings.json",
        "/srv/app/both/score.py": "score.py",
    }


def test_no_copy_deletes_a_file_of_the_base_image() -> None:
    with pytest.raises(StepError, match="would delete a file"):
        applied("COPY a /usr/.wh.bin", BASE, {}, "")


def test_what_env_has_set_wins_over_arg() -> None:
    assert applied("ARG HOME=/other\nENV A=$HOME", BASE, {}, "").variables["A"] == "/root"


def test_a_base_image_without_a_path_gets_dockers() -> None:
    assert applied("", {}, {}, "").variables == {"PATH": DEFAULT_PATH}


def test_a_relative_folder_is_in_the_base_images_own_and_never_above_the_root() -> None:
    assert applied("WORKDIR a", BASE, {}, "/srv").folders == ["/srv/a"]
    assert applied("WORKDIR ../../../etc", BASE, {}, "").folders == ["/etc"]


@pytest.mark.parametrize(
    ("steps", "line", "said"),
    [
        ("ENV A=1\nRUN true", 2, "RUN needs an engine that runs steps"),
        ("\n\nENV A='1", 3, "a quote ' is not closed"),
    ],
)
def test_a_step_that_cannot_be_applied_is_named_by_its_line(
    steps: str, line: int, said: str
) -> None:
    with pytest.raises(StepError, match=said) as refused:
        applied(steps, BASE, {}, "")
    assert refused.value.line == line


def test_a_long_line_is_read_in_linear_time() -> None:
    line = "ENV A=" + "'\"${" * 6_001
    with pytest.raises(StepError):
        applied(line, BASE, {}, "")
