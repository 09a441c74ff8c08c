import pytest

from fairlead.images.environment_image import version_of, version_of_log


@pytest.mark.parametrize(
    ("tag", "version", "of_log"),
    [
        ("1", 1, None),
        ("120", 120, None),
        ("0", None, None),
        ("01", None, None),
        ("-1", None, None),
        ("1.0", None, None),
        ("latest", None, None),
        ("٣", None, None),
        ("9" * 8, 99_999_999, None),
        ("9" * 9, None, None),
        ("1" * 20, None, None),
        ("log-3-1", None, 3),
        ("log-14-20", None, 14),
        ("log-3", None, None),
        ("log-x-1", None, None),
        ("xlog-3-1", None, None),
    ],
)
def test_only_our_own_tags_speak_of_versions(
    tag: str, version: int | None, of_log: int | None
) -> None:
    assert (version_of(tag), version_of_log(tag)) == (version, of_log)
