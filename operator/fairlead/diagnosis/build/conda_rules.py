"""What a cause of `fairlead.diagnosis.build.conda_causes` means: one rule for each, as data.

A message that begins with the user's own spec gets the file and the line in front, with the words
"asks for".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import EnvironmentRecipe
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
from fairlead.finding import Finding, listed, shown
from fairlead.requirement import Requirement

PUBLIC = "https://conda.anaconda.org/"
MAX_CAUSES = 6  # that one message tells
MAX_FACT_CHARS = 400
RETRIED = "It is tried again."
NOT_YOURS = f"Nothing to change in the file: the channel must answer. {RETRIED}"
_ELSEWHERE = ("vc", "vs", "ucrt", "win", "pywin", "m2w64", "msys2", "icc_rt", "libcxx", "appnope")


@dataclass(frozen=True)
class Rule:
    """``message`` and ``remedy`` use the facts of the cause."""

    reason: Reason
    class_: FailureClass
    message: str
    remedy: str
    retryable: bool = False


USER, NETWORK = FailureClass.USER, FailureClass.NETWORK
RULES: Mapping[type[CondaCause], Rule] = {
    SpecInvalid: Rule(
        Reason.ENVIRONMENT_FILE_INVALID,
        USER,
        "{spec}, which conda does not read as a package: {why}",
        "Write a name and a version, such as numpy=1.26 or numpy>=1.26,<2.",
    ),
    PackageMissing: Rule(
        Reason.PACKAGE_NOT_FOUND,
        USER,
        "{spec}; no package of that name for Linux in {channels}.{guess}",
        "{missing_remedy}",
    ),
    VersionMissing: Rule(
        Reason.PACKAGE_NOT_FOUND,
        USER,
        "{spec}; no such version in {channels}. The newest are {newest}.",
        "Ask for one of these, leave the version open, or name a channel that has it.",
    ),
    Conflict: Rule(
        Reason.PACKAGE_CONFLICT,
        USER,
        "{spec}; {needs}{against}: no versions go together.",
        "Change one of the versions, or leave one open so that the solver can choose.",
    ),
    ChannelMissing: Rule(
        Reason.CHANNEL_NOT_FOUND,
        USER,
        "{spec}; there is no channel at {address}.",
        "Correct the channel's name or address.",
        retryable=True,
    ),
    ChannelRefused: Rule(
        Reason.CHANNEL_REFUSED,
        USER,
        "{spec}; {address} {why}.",
        "{refused_remedy}",
    ),
    ChannelUnreachable: Rule(
        Reason.CHANNEL_UNREACHABLE,
        NETWORK,
        "The channel does not answer ({why}): {address}",
        NOT_YOURS,
        retryable=True,
    ),
    ChannelDenied: Rule(
        Reason.CHANNEL_DENIED,
        FailureClass.AUTH,
        "The channel does not let us read {address} (it answers {status}).",
        "Name a Secret with credentials for that host in spec.build.packageSecretRef "
        "(docs/conda.md, Private channels and indexes); or whoever runs Fairlead: name a mirror "
        f"that can be read in FAIRLEAD_CONDA_MIRRORS. {RETRIED}",
        retryable=True,
    ),
    ChannelBroken: Rule(
        Reason.CHANNEL_UNREACHABLE,
        FailureClass.DEPENDENCY,
        "What the channel sends is not what it should be ({why}): {address}",
        NOT_YOURS,
        retryable=True,
    ),
    ChecksumWrong: Rule(
        Reason.PACKAGE_HASH_MISMATCH,
        FailureClass.DEPENDENCY,
        "The file {file} is not what the channel's own list says of it: {address}",
        "Nothing to change in the file: the channel, or the mirror before it, has a broken or "
        f"outdated copy. {RETRIED}",
        retryable=True,
    ),
    PackageUnfit: Rule(
        Reason.ENVIRONMENT_UNFIT,
        USER,
        "The package {file} {why}.",
        "Ask for another version or build of it, or take it from another channel.",
    ),
    LinkingFailed: Rule(
        Reason.ENVIRONMENT_UNFIT,
        USER,
        "The packages cannot be linked into one environment: {why}.",
        "Ask for other versions or builds, or leave versions open so that the solver can choose.",
    ),
    NoGlibc: Rule(
        Reason.ENVIRONMENT_UNFIT,
        USER,
        "The base image {base} has no glibc, and conda's packages for Linux need it.",
        "Name a base image of Debian, Ubuntu or UBI in spec.baseImage, or move the packages into "
        "the list under `- pip:`.",
    ),
}
WRONG_BUILD = Rule(
    Reason.PACKAGE_NOT_FOUND,
    USER,
    "{spec}; {channels} has that version, and no such build. There are {builds}.",
    "Ask for one of these, or leave the build out: it belongs to the machine the file was made on.",
)
NO_PYTHON = Rule(
    Reason.PYTHON_UNSUPPORTED,
    USER,
    "{spec}; {channels} has no such Python. The newest are {newest}.",
    "Ask for one of these, or name a channel that has it.",
)
OLD_GLIBC = Rule(
    Reason.PACKAGE_CONFLICT,
    USER,
    "{spec}; {needs}, and the C library of the base image {base} is older.",
    "Name a newer base image in spec.baseImage, or ask for an older version of the package.",
)
NO_CUDA = Rule(
    Reason.PACKAGE_CONFLICT,
    USER,
    "{spec}; {needs}, and no node is known to have such a CUDA driver.",
    "Ask for a build without CUDA; or let whoever runs Fairlead name the driver's version in "
    "FAIRLEAD_CONDA_CUDA.",
)
OF_THE_MACHINE = {"__glibc": OLD_GLIBC, "__cuda": NO_CUDA}
EVERY_RULE = (*RULES.values(), WRONG_BUILD, NO_PYTHON, *OF_THE_MACHINE.values())


def explain_conda(causes: Sequence[CondaCause], recipe: EnvironmentRecipe) -> Finding:
    """Return why the environment of ``recipe`` could not be made: all causes in one message."""
    first, *others = (_finding(cause, recipe) for cause in causes[:MAX_CAUSES])
    told = [_also(other, recipe) for other in others]
    if len(causes) > MAX_CAUSES:
        told.append(f"And {len(causes) - MAX_CAUSES} more.")
    remedies = dict.fromkeys(finding.remedy or "" for finding in (first, *others))
    return replace(first, message=" ".join((first.message, *told)), remedy=" ".join(remedies))


def _finding(cause: CondaCause, recipe: EnvironmentRecipe) -> Finding:
    rule, facts = _rule(cause), _facts(cause, recipe)
    asked = getattr(cause, "asked", None) or getattr(cause, "channel", None)
    named = isinstance(asked, Requirement) and asked.line > 0
    message = rule.message.format_map(facts)
    if isinstance(asked, Requirement) and not named:
        message = f"The environment needs {message}"
    return Finding(
        rule.reason,
        rule.class_,
        message,
        rule.remedy.format_map(facts),
        requirement=asked.text if named and isinstance(asked, Requirement) else None,
        retryable=rule.retryable,
    )


def _rule(cause: CondaCause) -> Rule:
    if isinstance(cause, VersionMissing) and cause.builds:
        return WRONG_BUILD
    if isinstance(cause, VersionMissing) and cause.name == "python":
        return NO_PYTHON
    if isinstance(cause, Conflict):
        for name, rule in OF_THE_MACHINE.items():
            if any(f"needs {name}" in one for one in cause.needs):
                return rule
    return RULES[type(cause)]


def _also(finding: Finding, recipe: EnvironmentRecipe) -> str:
    conda = recipe.conda
    asked = (*conda.packages, *conda.channels) if conda else ()
    line = next((one.line for one in asked if one.text == finding.requirement), 0)
    return f"Line {line} asks for {finding.message}" if line else finding.message


def _facts(cause: CondaCause, recipe: EnvironmentRecipe) -> dict[str, str]:
    own = {name: value for name, value in vars(cause).items() if isinstance(value, str)}
    facts = {name: shown(value, MAX_FACT_CHARS).rstrip(".") for name, value in own.items()}
    facts["status"] = str(getattr(cause, "status", ""))
    facts["refused_remedy"] = str(getattr(cause, "remedy", ""))
    asked = getattr(cause, "asked", None) or getattr(cause, "channel", None)
    facts["spec"] = shown(asked.text) if isinstance(asked, Requirement) else ""
    for name in ("channels", "newest", "builds"):
        facts[name] = _listed([one.removeprefix(PUBLIC) for one in getattr(cause, name, ())])
    facts["base"] = recipe.base_image
    match cause:
        case PackageMissing():
            facts |= _missing(cause)
        case Conflict():
            facts |= _conflict(cause)
    return facts


def _missing(cause: PackageMissing) -> dict[str, str]:
    near = f" Did you mean {' or '.join(map(shown, cause.near))}?" if cause.near else ""
    remedy = "Correct the name, or name a channel that has it; what is on the package index goes "
    remedy += "into the list under `- pip:`."
    if cause.name.startswith(_ELSEWHERE):
        remedy = "Remove it if the file was made on Windows or macOS: it is for these only."
    return {"guess": near, "missing_remedy": remedy}


def _conflict(cause: Conflict) -> dict[str, str]:
    """``against``: with the lines of the user's file, of those that the file asks for."""
    told = [
        f"{shown(one.text)} (line {one.line})" if one.line else shown(one.text)
        for one in cause.against
    ]
    against = f"; against it stands {_listed(told)}" if told else ""
    needs = ", and ".join(shown(one, MAX_FACT_CHARS) for one in cause.needs)
    return {"needs": needs or shown(cause.said, MAX_FACT_CHARS).rstrip("."), "against": against}


def _listed(words: Sequence[str]) -> str:
    return listed([shown(word) for word in words])
