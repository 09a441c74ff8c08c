import pytest

from benchmarks.builds.rows import LARGE_MIB, ROWS, TWENTY, chosen


def names(*selectors: str) -> list[str]:
    rows, with_twenty = chosen(selectors)
    return [*(row.name for row in rows), *([TWENTY] if with_twenty else [])]


def test_without_a_selector_the_largest_models_are_left_out() -> None:
    rows, with_twenty = chosen(())
    assert rows == [row for row in ROWS if row.model_mib != LARGE_MIB]
    assert with_twenty


@pytest.mark.parametrize(
    ("selectors", "wanted"),
    [
        (["job-conda-4096"], ["job-conda-4096"]),
        (["local-10"], ["local-pip-10", "local-conda-10"]),
        (["twenty"], ["job-twenty"]),
        (["job-10", "docker-pip-10"], ["docker-pip-10", "job-pip-10", "job-conda-10"]),
        (["job-1024", "job-twenty"], ["job-pip-1024", "job-conda-1024", "job-twenty"]),
    ],
)
def test_rows_that_have_all_words_of_a_selector_keep_the_order_of_the_table(
    selectors: list[str], wanted: list[str]
) -> None:
    assert names(*selectors) == wanted


@pytest.mark.parametrize("selector", ["docker-conda", "job-pip-11", "", "twenty-10"])
def test_a_selector_that_no_row_has_is_refused(selector: str) -> None:
    with pytest.raises(ValueError, match="There are: docker-pip-10, "):
        chosen([selector])
