"""What Git says of repositories that packages come from: rows of the table."""

import re

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.diagnosis.build.output import RETRIED, Case, Facts, Phase, Row, line
from fairlead.diagnosis.build.package_facts import subject

_PIP = (Phase.PACKAGES,)
_CLONED = re.compile(r"^ {2}Running command git clone .{0,200}? (https?://\S{1,1000}) \S+$", re.M)


def without_git(case: Case) -> Facts:
    """The first requirement of a repository: pip looks for the program before it takes one up."""
    asked = next((one for one in case.recipe.requirements if "git+" in one.text), None)
    return subject(asked, asked.text if asked else "a requirement")


def of_repository(case: Case) -> Facts:
    """The requirement whose repository was fetched last."""
    urls = _CLONED.findall(case.output.text)
    url = urls[-1] if urls else case.match.groupdict().get("url") or ""
    found = (one for one in case.recipe.requirements if url and url.rstrip("/") in one.text)
    return subject(next(found, None), url or "a repository")


REPOSITORY_ROWS = (
    Row(
        _PIP,
        line(r"^ERROR: Cannot find command '(?P<tool>git|hg|svn)'"),
        Reason.PACKAGE_BUILD_FAILED,
        FailureClass.USER,
        "{subject}it comes from a repository, and the base image has no {tool}.",
        "Install it in spec.dockerFile: RUN apt-get update && apt-get install -y {tool}; or name a "
        "base image that has it.",
        facts=without_git,
    ),
    Row(
        _PIP,
        line(
            r"^ {0,4}fatal: (?:could not read Username for|Authentication failed for"
            r"|unable to access '\S{1,1000}': The requested URL returned error: 40[13])"
        ),
        Reason.PACKAGE_INDEX_DENIED,
        FailureClass.AUTH,
        "{subject}the repository is private, or there is none of that name.",
        "Correct the address, or build a wheel of it and put that into the source "
        "(./name-1.0-py3-none-any.whl): builds have no credentials.",
        facts=of_repository,
    ),
    Row(
        _PIP,
        line(r"^ {0,4}fatal: repository '(?P<url>\S{1,1000})' not found"),
        Reason.PACKAGE_NOT_FOUND,
        FailureClass.USER,
        "{subject}there is no such repository.",
        "Correct the address in that line.",
        facts=of_repository,
    ),
    Row(
        _PIP,
        line(
            r"^ {0,4}(?:error: pathspec '(?P<ref>[^'\n]{1,200})' did not match"
            r"|fatal: (?:couldn't find remote ref|Remote branch) (?P<branch>\S{1,200}))"
        ),
        Reason.PACKAGE_NOT_FOUND,
        FailureClass.USER,
        "{subject}the repository has no branch, tag or commit {ref}{branch}.",
        "Correct what stands behind the @ in that line.",
        facts=of_repository,
    ),
    Row(
        _PIP,
        line(r"^ {0,4}fatal: unable to access '(?P<url>\S{1,1000})': (?P<why>.{1,200})"),
        Reason.PACKAGE_INDEX_UNREACHABLE,
        FailureClass.NETWORK,
        "{subject}the repository does not answer: {why}.",
        f"Nothing to change: the repository must be reachable from builds. {RETRIED}",
        retryable=True,
        facts=of_repository,
    ),
)
