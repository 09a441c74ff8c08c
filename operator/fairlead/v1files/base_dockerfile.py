"""An Environment's `baseDockerfile`: the image that it begins with, and the steps after that."""

from dataclasses import dataclass

from fairlead.inputs.dockerfile_steps import Instruction, instructions
from fairlead.v1files.fields import Said
from fairlead.v1files.notes import Notes

MAX_CHARS = 32 * 1024
_MEANINGLESS = {
    "CMD": "Fairlead starts the scoring server.",
    "ENTRYPOINT": "Fairlead starts the scoring server.",
    "EXPOSE": "The scoring server listens on port 5001.",
    "HEALTHCHECK": "Probes are spec.probes of the Webservice.",
    "STOPSIGNAL": "Kubernetes stops the server with SIGTERM.",
    "VOLUME": "What the script writes goes to /tmp, or to spec.volumes of the Webservice.",
    "MAINTAINER": "Nothing is lost.",
}
_BUILD_IT = "Build this Dockerfile yourself, push the image, and name it in spec.baseImage."


@dataclass(frozen=True)
class BaseDockerfile:
    image: Said[str]
    steps: str


def split_dockerfile(said: Said[str], notes: Notes) -> BaseDockerfile | None:
    """None where it cannot be taken apart, and the notes tell why."""
    if len(said.value) > MAX_CHARS:
        notes.problem(said.place, f"it is longer than {MAX_CHARS // 1024} KiB", _BUILD_IT)
        return None
    found = instructions(said.value.replace("\r\n", "\n"))
    froms = [one for one in found if one.keyword == "FROM"]
    image = _image(froms[0]) if froms else ""
    if len(froms) != 1 or found[0].keyword != "FROM" or not image:
        what = "a Dockerfile of several stages, or whose FROM is not one image, is not taken apart"
        notes.problem(said.place, what, _BUILD_IT)
        return None
    for one in found:
        if one.keyword in _MEANINGLESS:
            words = f"{one.keyword} of the Dockerfile is left out"
            notes.remark(said.place, words, _MEANINGLESS[one.keyword])
    kept = [one for one in found[1:] if one.keyword not in _MEANINGLESS]
    return BaseDockerfile(Said(image, said.place), "".join(f"{one}\n" for one in kept))


def _image(instruction: Instruction) -> str:
    """`FROM image [AS name]`, without variables, flags and `scratch`."""
    words = instruction.arguments.split()
    if not words or len(words) not in (1, 3) or words[0] == "scratch":
        return ""
    return "" if "$" in words[0] or words[0].startswith("--") else words[0]


def steps_variables(text: str) -> dict[str, str]:
    """What ENV and ARG set, as far as that can be told word by word."""
    found = dict[str, str]()
    for one in instructions(text):
        if one.keyword in ("ENV", "ARG"):
            first, *rest = one.arguments.split() or [""]
            if "=" not in first and rest:  # ENV NAME value
                found[first] = " ".join(rest)
            pairs = [word.partition("=") for word in (first, *rest) if "=" in word]
            found |= {name: value.strip("\"'") for name, _, value in pairs}
    return found
