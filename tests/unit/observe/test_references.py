import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.api.meta import CONFIG_MAP, INFERENCE_IMAGE, KINDS, MODEL, WEBSERVICE
from fairlead.observe.references import Key, References, references_of

SERVICE = Key(WEBSERVICE, "demo", "credit")
IMAGE = Key(INFERENCE_IMAGE, "demo", "credit")
OTHER = Key(INFERENCE_IMAGE, "demo", "other")
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["imageRef", "models", "source", "configMap", "name", "x"]), inner
        )
    ),
    max_leaves=12,
)


def test_referrers_are_known_until_they_refer_to_something_else() -> None:
    references = References()
    references.put(SERVICE, [IMAGE])
    assert references.referrers(IMAGE) == (SERVICE,)
    references.put(SERVICE, [OTHER])
    assert references.referrers(IMAGE) == ()
    assert references.referrers(OTHER) == (SERVICE,)
    references.put(SERVICE, [])
    assert references.referrers(OTHER) == ()


@pytest.mark.parametrize(
    ("key", "spec", "found"),
    [
        (SERVICE, {"imageRef": {"name": "credit"}}, [IMAGE]),
        (IMAGE, {"models": [{"name": "m"}, 5, {"name": 7}]}, [Key(MODEL, "demo", "m")]),
        (
            IMAGE,
            {"source": {"configMap": {"name": "code"}}},
            [Key(CONFIG_MAP, "demo", "code")],
        ),
        (
            Key(MODEL, "demo", "m"),
            {"source": {"configMap": {"name": "files"}}},
            [Key(CONFIG_MAP, "demo", "files")],
        ),
    ],
)
def test_what_a_spec_refers_to(key: Key, spec: object, found: list[Key]) -> None:
    assert references_of(key, spec) == found


@given(st.sampled_from(KINDS), JUNK)
def test_a_spec_of_any_shape_has_references_or_none(kind: object, spec: object) -> None:
    assert isinstance(references_of(Key(kind, "demo", "x"), spec), list)  # type: ignore[arg-type]
