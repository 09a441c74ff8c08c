"""What `kubectl explain` shows is what stands below a field."""

from typing import ClassVar

from pydantic import BaseModel

from fairlead.api.attribute_docstrings import attribute_docstrings


class Base(BaseModel):
    inherited: int = 0
    """Of the base."""
    told_anew: int = 0
    """Of the base, too."""


class Derived(Base):
    limit: ClassVar[int] = 3
    """Of no field: it is a constant."""
    told_anew: int = 1
    """Of the class itself,
    on two lines."""
    silent: int = 0
    other: int = 0
    "Quoted otherwise."


def test_docstrings_are_those_of_fields_their_own_before_those_of_a_base() -> None:
    assert attribute_docstrings(Derived) == {
        "inherited": "Of the base.",
        "told_anew": "Of the class itself,\non two lines.",
        "other": "Quoted otherwise.",
    }


def test_a_class_within_a_function_is_read_too() -> None:
    class Inner(BaseModel):
        name: str
        """Which one."""

    assert attribute_docstrings(Inner) == {"name": "Which one."}
