"""Environments made of channels that the test builds and serves: what comes out, and why not."""

import hashlib
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from fairlead.conda.channels import channel_address, channels_of
from fairlead.conda.environment import CondaEnvironment, Place, make_environment
from fairlead.conda.fetch import Access
from fairlead.conda.link import _without_places
from fairlead.conda.solve import Machine, glibc_of
from fairlead.connection import trust
from fairlead.contract import EnvironmentRecipe
from fairlead.diagnosis.build.conda_causes import CondaCause, CondaError
from fairlead.diagnosis.build.conda_rules import explain_conda
from fairlead.finding import Finding
from fairlead.registry.addresses import NamedHosts
from fairlead.requirement import CondaRecipe, Requirement
from tests.conda_channel import (
    PLACEHOLDER,
    Package,
    Server,
    made,
    sends,
    serving,
    small_python,
    status,
)

PREFIXED = f"{PLACEHOLDER}/share\n".encode()
PACKAGES = (
    small_python("3.11.7"),
    small_python("3.12.1"),
    Package("numpy", "1.15.4", depends=("python >=3.6,<3.12",), native=True, build="py36_0"),
    Package("numpy", "1.26.0", {"etc/numpy": b"1"}, depends=("python >=3.9",), native=True),
    Package("scikit-learn", "1.0", depends=("numpy >=1.20",)),
    Package("old-app", "1.0", depends=("numpy <1.20",)),
    Package("modern", "1.0", depends=("__glibc >=2.40",)),
    Package("for-gpus", "1.0", depends=("__cuda >=12",)),
    Package("scripted", "1.0", {"bin/.scripted-post-link.sh": b"#!/bin/sh\nexit 1\n"}),
    Package("prefixed", "1.0", {"etc/prefixed": PREFIXED}, packed="conda"),
    Package(
        "mod",
        "1.0",
        {"site-packages/mod.py": b"def main(): pass\n"},
        depends=("python",),
        python=True,
        entry_points=("hello = mod:main",),
    ),
    Package(
        "pip", "24.0", {"site-packages/pip/__init__.py": b""}, depends=("python",), python=True
    ),
    Package("outside", paths=[{"_path": "../../etc/passwd", "path_type": "hardlink"}]),
    Package("absolute", paths=[{"_path": "/etc/passwd", "path_type": "hardlink"}]),
    Package("link-away", links={"share/away": "/etc"}),
    Package("through", "1.0", {"share/away/passwd": b"x"}, depends=("link-away",)),
    Package("a-list", paths=[{"nothing": 1}]),
    Package(
        "linked",
        files={"etc/linked": b""},
        links={"site-packages/linked.py": "../mod.py", "python-scripts/linked": "../etc/linked"},
        depends=("python",),
        python=True,
    ),
    Package("command", python=True, depends=("python",), entry_points=("../../x = a:b",)),
)
OTHER = (Package("numpy", "2.0", {"etc/numpy": b"2"}, native=True), Package("only-here"))


@dataclass
class Channels:
    server: Server
    work: Path
    said: list[str] = field(default_factory=list)
    made: int = 0

    def make(self, *specs: str, names: str = "main other", **options: object) -> CondaEnvironment:
        """From line 5 of the file on a spec each; the channels stand in line 2."""
        self.made += 1
        machine = Machine(str(options.get("glibc", "2.36")), str(options.get("cuda", "")))
        named = NamedHosts.insecurely((self.server.host,) if options.get("named", True) else ())
        place = Place(
            self.work / str(self.made),
            Access(trust(None), named),
            {"*": self.server.address},
            self.said.append,
        )
        conda = self.recipe(*specs, names=names)
        return make_environment(conda, machine, place, with_pip=bool(options.get("pip")))

    def recipe(self, *specs: str, names: str) -> CondaRecipe:
        return CondaRecipe(
            channels=tuple(Requirement(text=name, line=2) for name in names.split()),
            packages=tuple(Requirement(text=text, line=n) for n, text in enumerate(specs, 5)),
        )

    def causes(self, *specs: str, names: str = "main other", **options: object) -> list[CondaCause]:
        with pytest.raises(CondaError) as failed:
            self.make(*specs, names=names, **options)
        return list(failed.value.causes)

    def finding(self, *specs: str, names: str = "main other", **options: object) -> Finding:
        conda = self.recipe(*specs, names=names)
        recipe = EnvironmentRecipe(base_image="debian:12", conda=conda, file="env.yml")
        return explain_conda(self.causes(*specs, names=names, **options), recipe)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("channels")
    made(folder / "main", *PACKAGES)
    made(folder / "other", *OTHER)
    return folder


@pytest.fixture
def channels(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Channels]:
    monkeypatch.setattr("fairlead.conda.fetch.FIRST_PAUSE_S", 0.01)
    with serving(root) as server:
        yield Channels(server, tmp_path)


def content(environment: CondaEnvironment) -> dict[str, bytes]:
    found = dict[str, bytes]()
    with tarfile.open(environment.archive) as archive:
        for entry in archive:
            if file := archive.extractfile(entry) if entry.isfile() else None:
                found[entry.name] = file.read()
    return found


def test_an_environment_is_linked_for_its_final_path(channels: Channels) -> None:
    found = channels.make("python=3.11", "prefixed", "mod")
    files = content(found)
    assert found.python == "3.11.7"
    assert files["opt/fairlead/env/etc/prefixed"] == b"/opt/fairlead/env/share\n"
    command = files["opt/fairlead/env/bin/hello"]
    assert command.startswith(b"#!/opt/fairlead/env/bin/python3.11\n")
    assert "opt/fairlead/env/lib/python3.11/site-packages/mod.py" in files
    assert "opt/fairlead/env/lib/python3.11/site-packages/pip/__init__.py" not in files


def test_the_same_inputs_give_the_same_bytes_wherever_they_are_made(channels: Channels) -> None:
    made = [channels.make("python=3.11", "numpy", "mod", pip=True) for _ in range(2)]
    digests = [hashlib.sha256(one.archive.read_bytes()).hexdigest() for one in made]
    assert digests[0] == digests[1]
    everything = b"".join(content(made[0]).values())
    assert channels.server.host.encode() not in everything
    assert str(channels.work).encode() not in everything


def test_the_lock_names_the_channels_and_not_the_mirrors(channels: Channels) -> None:
    found = channels.make("python=3.11", "mod", pip=True)
    places = [line.partition("#")[0] for line in found.packages]
    assert places == [
        "https://conda.anaconda.org/main/noarch/mod-1.0-0.tar.bz2",
        "https://conda.anaconda.org/main/noarch/pip-24.0-0.tar.bz2",
        "https://conda.anaconda.org/main/linux-64/python-3.11.7-0.tar.bz2",
    ]
    assert all(len(line.partition("#")[2]) == 32 for line in found.packages)


def test_the_first_channel_counts_most_and_a_spec_may_name_its_own(channels: Channels) -> None:
    assert content(channels.make("numpy"))["opt/fairlead/env/etc/numpy"] == b"1"
    assert content(channels.make("numpy", names="other main"))["opt/fairlead/env/etc/numpy"] == b"2"
    assert content(channels.make("other::numpy"))["opt/fairlead/env/etc/numpy"] == b"2"
    found = channels.make("other::only-here", names="main")
    assert any("/other/noarch/only-here" in line for line in found.packages)


def test_a_link_script_is_not_run_and_its_package_is_named(channels: Channels) -> None:
    assert channels.make("scripted").scripts == ("scripted",)


@pytest.mark.parametrize(
    ("specs", "reason", "words"),
    [
        (
            ("nmupy", "scikit-lern=3"),
            "PackageNotFound",
            "nmupy; no package of that name for Linux in main and other. Did you mean numpy? "
            "Line 6 asks for scikit-lern=3; no package of that name for Linux in main and other. "
            "Did you mean scikit-learn?",
        ),
        (
            ("numpy=1.17",),
            "PackageNotFound",
            "numpy=1.17; no such version in main and other. The newest are 2.0, 1.26.0 and 1.15.4.",
        ),
        (
            ("numpy=1.15.4=py37_0",),
            "PackageNotFound",
            "numpy=1.15.4=py37_0; main and other has that version, and no such build. There are "
            "py36_0.",
        ),
        (
            ("python=3.7",),
            "PythonUnsupported",
            "python=3.7; main and other has no such Python. The newest are 3.12.1 and 3.11.7.",
        ),
        (
            ("python=3.12", "numpy=1.15.4"),
            "PackageConflict",
            "numpy=1.15.4; numpy 1.15.4 needs python >=3.6,<3.12; against it stands python=3.12 "
            "(line 5): no versions go together.",
        ),
        (
            ("old-app", "scikit-learn"),
            "PackageConflict",
            "scikit-learn; scikit-learn 1.0 needs numpy >=1.20; against it stands old-app (line "
            "5): no versions go together.",
        ),
        (
            ("modern",),
            "PackageConflict",
            "modern; modern 1.0 needs __glibc >=2.40, and the C library of the base image "
            "debian:12 is older.",
        ),
        (
            ("for-gpus",),
            "PackageConflict",
            "for-gpus; for-gpus 1.0 needs __cuda >=12, and no node is known to have such a CUDA "
            "driver.",
        ),
        (
            ("nowhere::numpy",),
            "ChannelNotFound",
            "nowhere; there is no channel at https://conda.anaconda.org/nowhere.",
        ),
        (
            ("numpy>=1..2",),
            "EnvironmentFileInvalid",
            "numpy>=1..2, which conda does not read as a package: ",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else "",
)
def test_what_stands_against_it_is_said_of_the_users_own_line(
    channels: Channels, specs: tuple[str, ...], reason: str, words: str
) -> None:
    found = channels.finding(*specs)
    assert found.reason == reason
    assert found.class_ == "User"
    assert found.message.startswith(words)
    assert found.remedy


def test_what_the_machine_has_is_found(channels: Channels) -> None:
    assert channels.make("modern", glibc="2.40").packages
    assert channels.make("for-gpus", cuda="12.4").packages
    assert (glibc_of("glibc 2.36"), glibc_of("musl 1.2"), glibc_of("")) == ("2.36", None, None)


def test_a_channel_that_is_not_there_is_named(channels: Channels) -> None:
    found = channels.finding("numpy", names="mian other")
    assert (found.reason, found.requirement) == ("ChannelNotFound", "mian")


@pytest.mark.parametrize(
    ("answer", "reason", "class_", "words"),
    [
        (status(503), "ChannelUnreachable", "Network", "it answers 503"),
        (status(429), "ChannelUnreachable", "Network", "it answers 429"),
        (status(400), "ChannelUnreachable", "Dependency", "it answers 400"),
        (status(451), "ChannelDenied", "Auth", "it answers 451"),
        (status(401), "ChannelDenied", "Auth", "it answers 401"),
        (status(302, Location="http://[oops/"), "ChannelUnreachable", "Dependency", "no address"),
        (sends(b"<html>sign in</html>"), "ChannelUnreachable", "Dependency", "is not what it"),
        (status(302, Location="http://127.0.0.1:1/x"), "ChannelRefused", "User", "127.0.0.1"),
        (status(302, Location="/main/x"), "ChannelUnreachable", "Dependency", "leads from one"),
    ],
    ids=[
        "down",
        "busy",
        "odd",
        "law",
        "denied",
        "no address",
        "a page",
        "to the loopback",
        "in circles",
    ],
)
def test_a_channel_that_does_not_answer_as_one(
    channels: Channels, answer: object, reason: str, class_: str, words: str
) -> None:
    channels.server.answers["/main/"] = answer  # type: ignore[assignment]
    found = channels.finding("numpy")
    assert (found.reason, found.class_) == (reason, class_)
    assert words in found.message
    assert channels.server.host not in found.message


def test_what_fails_once_is_asked_for_again(channels: Channels) -> None:
    answers = channels.server.answers

    def once(handler: object) -> None:
        del answers["/main/linux-64/repodata.json.zst"]
        status(503)(handler)  # type: ignore[arg-type]

    answers["/main/linux-64/repodata.json.zst"] = once
    assert channels.make("numpy").packages


def test_a_channel_without_the_packed_list_is_read_as_it_is(channels: Channels) -> None:
    for path in ("/main/linux-64", "/main/noarch", "/other/linux-64", "/other/noarch"):
        channels.server.answers[f"{path}/repodata.json.zst"] = status(404)
    assert channels.make("numpy").packages


def test_a_packed_list_that_is_broken_is_the_channels_fault(channels: Channels) -> None:
    channels.server.answers["/main/linux-64/repodata.json.zst"] = sends(b"no archive")
    found = channels.finding("numpy")
    assert (found.reason, found.class_, found.retryable) == (
        "ChannelUnreachable",
        "Dependency",
        True,
    )


def test_a_file_with_another_checksum_is_never_the_users_mistake(channels: Channels) -> None:
    channels.server.answers["/main/linux-64/numpy-1.26.0"] = sends(b"something else")
    found = channels.finding("numpy=1.26")
    assert (found.reason, found.class_, found.retryable) == (
        "PackageHashMismatch",
        "Dependency",
        True,
    )
    assert "numpy-1.26.0-0.tar.bz2" in found.message


def test_a_file_that_is_listed_and_not_there_is_the_channels_fault(channels: Channels) -> None:
    channels.server.answers["/main/linux-64/numpy-1.26.0"] = status(404)
    assert channels.finding("numpy=1.26").reason == "ChannelUnreachable"


def test_a_store_that_denies_what_is_not_there_is_read(channels: Channels) -> None:
    channels.server.answers["/main/linux-64/repodata.json.zst"] = status(403)
    channels.server.answers["/other/noarch/repodata.json"] = status(403)
    assert channels.make("numpy").packages
    assert "https://conda.anaconda.org/other/noarch cannot be read." in channels.said


def test_the_address_of_a_mirror_is_never_shown(channels: Channels) -> None:
    """It may be a key itself."""
    channels.server.answers["/main/noarch/mod-1.0"] = status(404)
    channels.server.answers["/main/noarch/prefixed-1.0"] = sends(b"other")
    for specs, reason in (
        (("mod",), "ChannelUnreachable"),
        (("prefixed",), "PackageHashMismatch"),
        (("nowhere::numpy",), "ChannelNotFound"),
        (("outside",), "EnvironmentUnfit"),
    ):
        found = channels.finding(*specs)
        assert found.reason == reason
        assert channels.server.host not in found.message
    assert channels.server.host not in " ".join(channels.said)


def test_what_py_rattler_dies_of_is_the_channels_fault(channels: Channels) -> None:
    record = {
        **{"name": "python", "version": "3.11.7", "build": "0", "build_number": 0},
        **{"depends": [], "md5": "0" * 32, "subdir": "linux-64"},
    }
    listed = {
        "info": {"subdir": "linux-64", "base_url": "http://[x"},
        "packages": {"python-3.11.7-0.tar.bz2": record},
    }
    channels.server.answers["/main/linux-64/repodata.json.zst"] = status(404)
    channels.server.answers["/main/linux-64/repodata.json"] = sends(json.dumps(listed).encode())
    found = channels.finding("python")
    assert (found.reason, found.class_) == ("ChannelUnreachable", "Dependency")


def test_what_cannot_be_linked_is_told_without_our_folders(tmp_path: Path) -> None:
    said = f"failed to link {tmp_path}/environment/bin/a"
    assert _without_places(said, tmp_path / "environment") == "failed to link bin/a"


@pytest.mark.parametrize(
    ("package", "words"),
    [
        ("outside", "has a file outside of the environment (../../etc/passwd)"),
        ("absolute", "has a file outside of the environment (/etc/passwd)"),
        ("through", "has a link where another package has something else (share/away)"),
        ("a-list", "cannot be read"),
        ("command", "has a command of an impossible name (../../x)"),
    ],
)
def test_a_package_that_reaches_outside_of_the_environment_is_not_linked(
    channels: Channels, package: str, words: str
) -> None:
    found = channels.finding(package)
    assert found.reason == "EnvironmentUnfit"
    assert words in found.message


OUTSIDE = "/tmp/outside"  # stands for a folder that the test watches
SITE = "lib/python3.11/site-packages"
MODULE = Package(
    "md",
    files={"site-packages/evil/x.txt": b"x"},
    python=True,
    depends=("python",),
    entry_points=("hello = mod:main",),
)
HARD = {"path_type": "hardlink"}


@pytest.mark.parametrize(
    ("packages", "words"),
    [
        (
            (Package("lk", links={f"{SITE}/evil": OUTSIDE}, native=True), MODULE),
            "has a link where another package has something else",
        ),
        (
            (Package("lk", links={"bin/hello": f"{OUTSIDE}/victim"}, native=True), MODULE),
            "has a link where another package has something else (bin/hello)",
        ),
        (
            (
                Package("lk", links={"share/f": f"{OUTSIDE}/victim"}),
                Package("zz", files={"share/f": PREFIXED}),
            ),
            "has a link where another package has something else (share/f)",
        ),
        (
            (
                Package("lk", links={"share/away": OUTSIDE}),
                Package("zz", links={"share/away/f": "g"}),
            ),
            "has a file beyond a link (share/away/f)",
        ),
        (
            (Package("lk", links={"share/f": "a"}), Package("zz", links={"share/f": "b"})),
            "has a link where another package has one (share/f)",
        ),
        (
            (
                Package(
                    "lk",
                    links={"share/away": OUTSIDE},
                    paths=[{"_path": "share//away", "path_type": "softlink"}],
                ),
            ),
            "has a file of a name that no package may have (share//away)",
        ),
        (
            (Package("lk", links={"conda-meta/history": f"{OUTSIDE}/victim"}),),
            "has a file of a name that no package may have (conda-meta/history)",
        ),
        (
            (Package("lk", files={"conda-meta/x.json": b"[}"}),),
            "has a file of a name that no package may have (conda-meta/x.json)",
        ),
        (
            (Package("lk", links={"conda-meta": OUTSIDE}),),
            "has a file of a name that no package may have (conda-meta)",
        ),
        (
            (Package("lk", links={"CACHEDIR.TAG": f"{OUTSIDE}/victim"}),),
            "has a file of a name that no package may have (CACHEDIR.TAG)",
        ),
        (
            (Package("lk", links={"f__clobber-from-zz": f"{OUTSIDE}/victim"}),),
            "has a file of a name that no package may have (f__clobber-from-zz)",
        ),
        (
            (
                Package(
                    "lk",
                    links={"share/leak": f"{OUTSIDE}/victim"},
                    paths=[{"_path": "share/leak", "prefix_placeholder": "/zzz/zzz/z", **HARD}],
                ),
            ),
            "does not hold what its own list says (share/leak)",
        ),
        (
            (
                Package(
                    "lk",
                    links={"share/leak": f"{OUTSIDE}/victim"},
                    paths=[{"_path": "share/leak", **HARD}],
                ),
            ),
            "does not hold what its own list says (share/leak)",
        ),
        (
            (
                Package(
                    "lk",
                    links={"share/d": OUTSIDE},
                    paths=[{"_path": "share/d/victim", **HARD}],
                ),
            ),
            "does not hold what its own list says (share/d/victim)",
        ),
    ],
    ids=lambda value: value.partition("(")[2] if isinstance(value, str) else "",
)
def test_nothing_is_read_or_written_through_a_link_of_a_package(
    channels: Channels, tmp_path: Path, packages: tuple[Package, ...], words: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "victim").write_text("precious")
    made(tmp_path / "channel" / "main", small_python("3.11.7"), *_leading(packages, outside))
    with serving(tmp_path / "channel") as server:
        names = [package.name for package in packages]
        found = Channels(server, channels.work).finding("python", *names, names="main")
    assert found.reason == "EnvironmentUnfit"
    assert words in found.message
    assert {path.name: path.read_text() for path in outside.iterdir()} == {"victim": "precious"}


def _leading(packages: tuple[Package, ...], outside: Path) -> list[Package]:
    return [
        replace(
            package,
            links={
                path: target.replace(OUTSIDE, str(outside))
                for path, target in package.links.items()
            },
        )
        for package in packages
    ]


def test_links_of_packages_are_kept_as_they_are(channels: Channels) -> None:
    found = channels.make("python=3.11", "link-away", "linked")
    with tarfile.open(found.archive) as archive:
        links = {one.name: one.linkname for one in archive if one.issym()}
    assert links == {
        "opt/fairlead/env/bin/linked": "../etc/linked",
        "opt/fairlead/env/bin/python": "python3.11",
        f"opt/fairlead/env/{SITE}/linked.py": "../mod.py",
        "opt/fairlead/env/share/away": "/etc",
    }
    about = json.loads(content(found)["opt/fairlead/env/conda-meta/linked-1.0-0.json"])
    assert f"{SITE}/linked.py" in about["files"]
    assert {"_path": "bin/linked", "path_type": "softlink"} in about["paths_data"]["paths"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("http://169.254.169.254/channel", "169.254.169.254"),
        ("http://channel.example", "is not protected by TLS"),
    ],
)
def test_a_channel_that_an_object_names_leads_to_no_forbidden_place(
    channels: Channels, name: str, words: str
) -> None:
    found = channels.finding("numpy", names=name)
    assert (found.reason, found.requirement) == ("ChannelRefused", name)
    assert words in found.message


def test_the_loopback_is_refused_where_the_settings_do_not_name_it(channels: Channels) -> None:
    found = channels.finding("numpy", named=False)
    assert found.reason == "ChannelRefused"


def test_a_mirror_stands_for_a_channel_by_any_of_its_names() -> None:
    def mirror(name: str, mirrors: dict[str, str]) -> str:
        conda = CondaRecipe(channels=(Requirement(text=name, line=1),))
        return channels_of(conda, mirrors)[0].mirror

    public = "https://conda.anaconda.org/conda-forge"
    assert channel_address("conda-forge/linux-64") == channel_address(f"{public}/") == public
    mine = {"conda-forge": "https://m.example/cf/"}
    assert mirror("conda-forge", mine) == mirror(public, mine) == "https://m.example/cf"
    every = {"*": "https://m.example/all"}
    assert mirror("pytorch/label/test", every) == "https://m.example/all/pytorch/label/test"
    assert mirror("https://else.example/x", every) == "https://else.example/x"
