from typing import Any

from fairlead.api.refs import Manifest
from fairlead.informer.store import Store

LABEL = "fairlead.dev/webservice"


def thing(name: str, version: int, uid: str = "u", owner: str = "", **more: Any) -> Manifest:
    labels = {"labels": {LABEL: owner}} if owner else {}
    meta = {"namespace": "demo", "name": name, "uid": uid, "resourceVersion": str(version)}
    return {"metadata": {**meta, **labels}, "spec": more}


def store() -> Store:
    return Store(lambda manifest: manifest["spec"], LABEL)


def test_what_was_put_is_read() -> None:
    kept = store()
    assert kept.put(thing("a", 1, size=3))
    assert kept.read("demo", "a") == {"size": 3}
    assert kept.read("demo", "b") is None


def test_only_a_change_of_what_is_read_is_news() -> None:
    kept = store()
    kept.put(thing("a", 1, size=3))
    assert kept.put(thing("a", 2, size=3)) is None
    assert kept.put(thing("a", 3, size=4)) is not None


def test_an_older_version_never_replaces_a_newer_one() -> None:
    kept = store()
    kept.put(thing("a", 5, size=5))
    assert kept.put(thing("a", 4, size=4)) is None
    assert kept.read("demo", "a") == {"size": 5}


def test_a_successor_replaces_its_predecessor_and_outlives_its_deletion() -> None:
    kept = store()
    kept.put(thing("a", 5, uid="old"))
    assert kept.put(thing("a", 7, uid="new", size=1)) is not None
    assert kept.drop(thing("a", 6, uid="old")) is None
    assert kept.read("demo", "a") == {"size": 1}


def test_an_answer_that_was_overtaken_by_the_deletion_brings_nothing_back() -> None:
    kept = store()
    kept.put(thing("a", 5))
    assert kept.drop(thing("a", 7)) is not None
    assert kept.put(thing("a", 6)) is None
    assert kept.read("demo", "a") is None
    assert kept.put(thing("a", 8)) is not None  # it only had left the selector for a while


def test_a_list_says_what_is_gone_but_for_what_is_newer_than_the_list() -> None:
    kept = store()
    for name, version in (("gone", 1), ("stays", 2), ("newer", 9)):
        kept.put(thing(name, version))
    news = kept.replace([thing("stays", 2), thing("new", 3)], "5")
    assert sorted(name for (_, name), _ in news) == ["gone", "new"]
    assert sorted(name for _, name in kept.names()) == ["new", "newer", "stays"]


def test_objects_are_found_by_the_webservice_that_their_label_names() -> None:
    kept = store()
    kept.put(thing("p1", 1, owner="credit", n=1))
    kept.put(thing("p2", 2, uid="v", owner="credit", n=2))
    kept.put(thing("p3", 3, uid="w", owner="other", n=3))
    assert kept.owned_by("demo", "credit") == [{"n": 1}, {"n": 2}]
    kept.put(thing("p1", 4, owner="other", n=1))
    kept.drop(thing("p2", 5, uid="v"))
    assert kept.owned_by("demo", "credit") == []
    assert kept.owned_by("elsewhere", "credit") == []


def test_those_that_may_hold_a_text_are_told_from_those_that_do_not() -> None:
    kept = store()
    kept.put(thing("a", 1, host="a.example.com"))
    kept.put(thing("b", 2, host="b.example.com"))
    assert list(kept.names_with("b.example.com")) == [("demo", "b")]
    assert not list(kept.names_with("c.example.com"))


def test_a_list_of_one_namespace_says_nothing_of_another() -> None:
    kept = store()
    kept.put(thing("a", 1))
    assert kept.replace([], "5", "elsewhere") == []
    assert [name for name, _ in kept.replace([], "5", "demo")] == [("demo", "a")]


def test_what_is_stored_is_not_projected_again_unless_it_is_newer() -> None:
    projected = list[int]()

    def project(manifest: Manifest) -> Any:
        projected.append(int(manifest["metadata"]["resourceVersion"]))
        return manifest["spec"]

    kept = Store(project, LABEL)
    kept.put(thing("a", 4, size=4))
    assert kept.projection(thing("a", 4, size=4)) == {"size": 4}
    assert projected == [4]
    assert kept.projection(thing("a", 3, size=3)) == {"size": 3}
    assert kept.projection(thing("a", 4, uid="other", size=5)) == {"size": 5}
    assert projected == [4, 3, 4]
