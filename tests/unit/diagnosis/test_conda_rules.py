"""What is said of each cause for which an environment of conda's channels cannot be made."""

import pytest

from fairlead.contract import EnvironmentRecipe
from fairlead.diagnosis.build import conda_rules
from fairlead.diagnosis.build.conda_causes import (
    ChannelBroken,
    ChannelDenied,
    ChannelMissing,
    ChannelRefused,
    ChannelUnreachable,
    ChecksumWrong,
    CondaCause,
    Conflict,
    LinkingFailed,
    NoGlibc,
    PackageMissing,
    PackageUnfit,
    SpecInvalid,
    VersionMissing,
)
from fairlead.diagnosis.build.conda_explanation import conflict
from fairlead.diagnosis.build.conda_rules import EVERY_RULE, Rule, explain_conda
from fairlead.requirement import CondaRecipe, Requirement

NUMPY, PANDAS = Requirement(text="numpy=1.15", line=4), Requirement(text="pandas", line=5)
FORGE = Requirement(text="conda-forge", line=2)
CHANNELS = ("https://conda.anaconda.org/conda-forge",)
RECIPE = EnvironmentRecipe(
    base_image="alpine:3",
    conda=CondaRecipe(channels=(FORGE,), packages=(NUMPY, PANDAS)),
    file="env.yml",
)
CASES: list[tuple[CondaCause, str, str, str]] = [
    (
        SpecInvalid(NUMPY, "strange"),
        *("EnvironmentFileInvalid", "User"),
        "numpy=1.15, which conda does not read as a package: strange",
    ),
    (
        PackageMissing(NUMPY, "numpy", CHANNELS, ("nunpy", "nampy")),
        *("PackageNotFound", "User"),
        "numpy=1.15; no package of that name for Linux in conda-forge. Did you mean nunpy or "
        "nampy?",
    ),
    (
        VersionMissing(NUMPY, "numpy", CHANNELS, ("2.0", "1.26")),
        *("PackageNotFound", "User"),
        "numpy=1.15; no such version in conda-forge. The newest are 2.0 and 1.26.",
    ),
    (
        VersionMissing(NUMPY, "numpy", CHANNELS, ("2.0",), ("py36_0",)),
        *("PackageNotFound", "User"),
        "numpy=1.15; conda-forge has that version, and no such build. There are py36_0.",
    ),
    (
        VersionMissing(NUMPY, "python", CHANNELS, ("3.12.1",)),
        *("PythonUnsupported", "User"),
        "numpy=1.15; conda-forge has no such Python. The newest are 3.12.1.",
    ),
    (
        Conflict(NUMPY, ("numpy 1.15 needs python <3.8",), (PANDAS,)),
        *("PackageConflict", "User"),
        "numpy=1.15; numpy 1.15 needs python <3.8; against it stands pandas (line 5): no versions "
        "go together.",
    ),
    (
        Conflict(NUMPY, ("numpy 1.15 needs __glibc >=2.40",)),
        *("PackageConflict", "User"),
        "numpy=1.15; numpy 1.15 needs __glibc >=2.40, and the C library of the base image alpine:3 "
        "is older.",
    ),
    (
        Conflict(NUMPY, ("numpy 1.15 needs __cuda",)),
        *("PackageConflict", "User"),
        "numpy=1.15; numpy 1.15 needs __cuda, and no node is known to have such a CUDA driver.",
    ),
    (
        ChannelMissing(FORGE, "https://x.example/y"),
        *("ChannelNotFound", "User"),
        "conda-forge; there is no channel at https://x.example/y.",
    ),
    (
        ChannelRefused(FORGE, "http://x.example/y", "is not protected by TLS", "Use https."),
        *("ChannelRefused", "User"),
        "conda-forge; http://x.example/y is not protected by TLS.",
    ),
    (
        ChannelUnreachable("https://x.example/y", "timed out"),
        *("ChannelUnreachable", "Network"),
        "The channel does not answer (timed out): https://x.example/y",
    ),
    (
        ChannelDenied("https://x.example/y", 403),
        *("ChannelDenied", "Auth"),
        "The channel does not let us read https://x.example/y (it answers 403).",
    ),
    (
        ChannelBroken("https://x.example/y", "no JSON"),
        *("ChannelUnreachable", "Dependency"),
        "What the channel sends is not what it should be (no JSON): https://x.example/y",
    ),
    (
        ChecksumWrong("numpy-1.15-0.conda", "https://x.example/y"),
        *("PackageHashMismatch", "Dependency"),
        "The file numpy-1.15-0.conda is not what the channel's own list says of it: "
        "https://x.example/y",
    ),
    (
        PackageUnfit("numpy-1.15-0.conda", "has a file beyond a link (x/y)"),
        *("EnvironmentUnfit", "User"),
        "The package numpy-1.15-0.conda has a file beyond a link (x/y).",
    ),
    (
        LinkingFailed("two of them have the same file"),
        *("EnvironmentUnfit", "User"),
        "The packages cannot be linked into one environment: two of them have the same file.",
    ),
    (
        NoGlibc("alpine:3"),
        *("EnvironmentUnfit", "User"),
        "The base image alpine:3 has no glibc, and conda's packages for Linux need it.",
    ),
]


@pytest.mark.parametrize(("cause", "reason", "class_", "message"), CASES)
def test_each_cause_has_its_words(
    cause: CondaCause, reason: str, class_: str, message: str
) -> None:
    found = explain_conda([cause], RECIPE)
    assert (found.reason, found.class_, found.message) == (reason, class_, message)
    assert found.remedy
    assert "{" not in found.remedy


def test_every_rule_has_a_case(monkeypatch: pytest.MonkeyPatch) -> None:
    used, rule_of = list[Rule](), conda_rules._rule

    def noted(cause: CondaCause) -> Rule:
        used.append(rule_of(cause))
        return used[-1]

    monkeypatch.setattr(conda_rules, "_rule", noted)
    for cause, *_ in CASES:
        explain_conda([cause], RECIPE)
    assert [rule for rule in EVERY_RULE if rule not in used] == []


def test_what_a_network_does_is_tried_again_and_is_no_mistake_of_the_users() -> None:
    for cause, _, class_, _ in CASES:
        found = explain_conda([cause], RECIPE)
        if class_ in ("Network", "Auth", "Dependency"):
            assert found.retryable
            assert found.requirement is None


def test_what_is_for_windows_only_is_to_be_removed() -> None:
    asked = Requirement(text="vc=14.1=h0", line=4)
    found = explain_conda([PackageMissing(asked, "vc", CHANNELS)], RECIPE)
    assert (
        found.remedy == "Remove it if the file was made on Windows or macOS: it is for these only."
    )


def test_what_nobody_asked_for_by_a_line_is_told_without_one() -> None:
    missing = PackageMissing(Requirement(text="pip", line=0), "pip", CHANNELS)
    found = explain_conda([missing], RECIPE)
    assert found.requirement is None
    assert found.message.startswith("The environment needs pip; no package of that name")


def test_many_causes_are_told_up_to_a_bound() -> None:
    asked = [Requirement(text=f"p{number}", line=number) for number in range(3, 13)]
    recipe = RECIPE.model_copy(update={"conda": CondaRecipe(channels=(), packages=tuple(asked))})
    found = explain_conda([PackageMissing(one, one.text, CHANNELS) for one in asked], recipe)
    assert found.requirement == "p3"
    assert found.message.count("Line ") == 5
    assert found.message.endswith("And 4 more.")


CHAIN = """Cannot solve the request because of: The following packages are incompatible
├─ b ==1.0 can be installed with any of the following options:
│  └─ b 1.0
└─ a * cannot be installed because there are no viable options:
   └─ a 1.0 | 1.1 would require
      └─ c >=2, which cannot be installed because there are no viable options:
         └─ c 2.0 would require
            └─ b >=2, which cannot be installed because there are no viable options:
               └─ b 2.0, which conflicts with the versions reported above.
"""


def test_the_way_down_to_what_excludes_it_is_told() -> None:
    a, b = Requirement(text="a", line=7), Requirement(text="b==1.0", line=6)
    found = conflict(CHAIN, {"b ==1.0": b, "a *": a})
    assert found.asked == a
    assert found.needs == ("a 1.0 | 1.1 needs c >=2", "c 2.0 needs b >=2")
    assert found.against == (b,)


@pytest.mark.parametrize("said", ["", "Something new", CHAIN, CHAIN * 1000, "└─ " * 10_000])
def test_whatever_the_solver_says_is_told_of_one_of_the_users_specs(said: str) -> None:
    found = conflict(said, {"numpy 1.15.*": NUMPY, "pandas": PANDAS})
    assert found.asked == NUMPY
    told = explain_conda([found], RECIPE)
    assert len(told.message) < 2000
