from fairlead.api.meta import INFERENCE_IMAGE, MODEL, WEBSERVICE
from fairlead.handlers.resources import references
from fairlead.handlers.wakes import Key, Wakes

SERVICE = Key(WEBSERVICE, "demo", "credit")
IMAGE = Key(INFERENCE_IMAGE, "demo", "credit")
OTHER = Key(INFERENCE_IMAGE, "demo", "other")


def test_a_change_wakes_whoever_refers_to_it() -> None:
    wakes = Wakes()
    alarm = wakes.attend(SERVICE, "uid")
    wakes.refers(SERVICE, [IMAGE])
    wakes.wake_referrers(OTHER)
    assert not alarm.is_set()
    wakes.wake_referrers(IMAGE)
    assert alarm.is_set()


def test_a_reference_that_moved_on_wakes_no_more() -> None:
    wakes = Wakes()
    alarm = wakes.attend(SERVICE, "uid")
    wakes.refers(SERVICE, [IMAGE])
    wakes.refers(SERVICE, [OTHER])
    wakes.wake_referrers(IMAGE)
    assert not alarm.is_set()


def test_a_task_wakes_its_owners_by_uid() -> None:
    wakes = Wakes()
    alarm = wakes.attend(SERVICE, "uid")
    wakes.wake_owners({"somebody else", "uid"})
    assert alarm.is_set()


def test_a_successor_of_the_same_name_keeps_its_alarm() -> None:
    wakes = Wakes()
    wakes.attend(SERVICE, "old")
    alarm = wakes.attend(SERVICE, "new")
    wakes.leave(SERVICE, "old")
    wakes.wake(SERVICE)
    assert alarm.is_set()


def test_who_left_is_not_woken() -> None:
    wakes = Wakes()
    alarm = wakes.attend(SERVICE, "uid")
    wakes.leave(SERVICE, "uid")
    wakes.wake(SERVICE)
    wakes.wake_owners({"uid"})
    assert not alarm.is_set()


def test_a_spec_of_any_shape_has_references_or_none() -> None:
    assert references(SERVICE, {"imageRef": {"name": "credit"}}) == [IMAGE]
    assert references(IMAGE, {"models": [{"name": "m"}, 5, {"name": 7}]}) == [
        Key(MODEL, "demo", "m")
    ]
    for odd in ({}, {"imageRef": 5}, {"models": "x"}, {"models": {"name": "m"}}):
        assert references(SERVICE, odd) == []
        assert references(IMAGE, odd) == []
