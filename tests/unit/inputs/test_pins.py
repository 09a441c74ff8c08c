"""What a file leaves open: told once, for what is there stays."""

from fairlead.contract import EnvironmentRecipe
from fairlead.inputs.pins import unpinned
from fairlead.requirement import CondaRecipe, Requirement

OPEN_REPOSITORY = "git+https://x.example/d.git@main"


def asked(*texts: str) -> tuple[Requirement, ...]:
    return tuple(Requirement(text=text, line=line) for line, text in enumerate(texts, 1))


def test_what_more_than_one_version_fits_is_open() -> None:
    recipe = EnvironmentRecipe(
        base_image="b",
        requirements=asked(
            *("flask==3.0.3", "pandas>=2", "numpy==2.*", "scipy", "a==1 --hash=sha256:ab"),
            *("b===1", "c @ https://x.example/c-1.whl", "-strange"),
            *(OPEN_REPOSITORY, f"git+https://x.example/e.git@{'a' * 40}"),
        ),
        conda=CondaRecipe(
            channels=(), packages=asked("python=3.11", "pip", "numpy=1.15", "scipy=1.2.1", "x==1")
        ),
    )
    open_ = ("numpy=1.15", "pandas>=2", "numpy==2.*", "scipy", "-strange", OPEN_REPOSITORY)
    assert unpinned(recipe) == open_


def test_a_long_list_is_told_in_part() -> None:
    recipe = EnvironmentRecipe(base_image="b", requirements=asked(*(f"p{n}" for n in range(99))))
    assert len(unpinned(recipe)) == 20


def test_a_constraint_and_a_file_of_the_source_leave_nothing_open() -> None:
    recipe = EnvironmentRecipe(
        base_image="b",
        requirements=asked("NumPy", "scipy>=1", "./pkg", "joblib"),
        constraints=asked("numpy==1.0", "joblib>=1", "scipy==1.2.1"),
    )
    assert unpinned(recipe) == ("joblib",)
