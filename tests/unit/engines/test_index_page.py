"""Pages of package indexes: what of them is handed on."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.engines.index_page import (
    MAX_OPEN_CHARS,
    PIECE_CHARS,
    FileLink,
    NotHtmlError,
    TooManyFilesError,
    file_links,
    written_page,
)

PAGE = "https://index.example.com/simple/a/"
SHA = "sha256=" + "ab" * 32


@pytest.mark.parametrize(
    ("html", "links"),
    [
        (f'<a href="a-1.whl#{SHA}">a</a>', [FileLink("a-1.whl", f"{PAGE}a-1.whl", SHA)]),
        (
            '<a href="/f/a-1.tar.gz?sig=1" data-requires-python="&gt;=3.8" data-yanked="bad">a</a>',
            [
                FileLink(
                    name="a-1.tar.gz",
                    address="https://index.example.com/f/a-1.tar.gz?sig=1",
                    requires_python=">=3.8",
                    yanked="bad",
                )
            ],
        ),
        (
            '<A HREF="//me:secret@cdn.example.com/a-1.zip" data-yanked>a</A>',
            [FileLink("a-1.zip", "https://cdn.example.com/a-1.zip", yanked="")],
        ),
        ('<a href="a-1%2Blocal.whl">', [FileLink("a-1%2Blocal.whl", f"{PAGE}a-1%2Blocal.whl")]),
        (
            '<base href="https://files.example.com/x/"><a href="a-1.whl">',
            [FileLink("a-1.whl", "https://files.example.com/x/a-1.whl")],
        ),
        ('<a href="a-1.whl#md5=short">', [FileLink("a-1.whl", f"{PAGE}a-1.whl")]),
        ('<a href="token"><a href="secret?a-1.whl"><a href="x#/a-1.whl"><a name="a-1.whl">', []),
        ('<a href="file:///a-1.whl"><a href="http://[/a-1.whl"><a href="http:///a-1.whl">', []),
        ('<a href="ä/a-1.whl"><a href="x y/a-1.whl"><link href="a-1.whl">', []),
        (f'<a href="{"x" * 5000}/a-1.whl">', []),
        ("not HTML", []),
    ],
)
def test_files_are_found_and_nothing_else(html: str, links: list[FileLink]) -> None:
    assert file_links(html, PAGE) == links


@pytest.mark.parametrize("begun", ["<!--", "<a ", '<a href="', "<script></", "<a x='"])
def test_what_never_ends_is_not_read_for_ever(begun: str) -> None:
    with pytest.raises(NotHtmlError):
        file_links(begun * (2 * MAX_OPEN_CHARS), PAGE)


def test_a_tag_may_lie_in_two_pieces() -> None:
    text = f'{"x" * (PIECE_CHARS - 5)}<a href="a-1.whl#{SHA}">a</a><!-- <a href="b-1.whl">'
    assert [one.name for one in file_links(text, PAGE)] == ["a-1.whl"]


@given(st.lists(st.sampled_from(["<", "!", "[", "a", " ", "href=", '"', "-", ">", "/", "&#", "x"])))
def test_a_page_may_hold_anything(parts: list[str]) -> None:
    with suppress(NotHtmlError):
        assert not file_links("".join(parts), PAGE)


def test_all_addresses_together_are_bounded() -> None:
    base = f'<base href="https://x/{"y" * 4000}/">'
    with pytest.raises(TooManyFilesError):
        file_links(base + '<a href="a-1.whl">' * 20_000, PAGE)


def test_a_page_is_written_anew_with_other_addresses() -> None:
    link = FileLink("a-1.whl", f"{PAGE}a-1.whl", SHA, '>=3.8,<"x"', yanked="<b>")
    text = written_page([link, FileLink("b-1.whl", "https://b")], lambda one: f"/file/{one.name}")
    assert text == (
        "<!DOCTYPE html>\n<html><body>\n"
        f'<a href="/file/a-1.whl#{SHA}" data-requires-python="&gt;=3.8,&lt;&quot;x&quot;" '
        'data-yanked="&lt;b&gt;">a-1.whl</a>\n'
        '<a href="/file/b-1.whl">b-1.whl</a>\n</body></html>\n'
    )
    assert [one.hash for one in file_links(text, "https://c/")] == [SHA, ""]
