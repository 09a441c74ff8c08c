"""Conda files in the forms that people have, each read and solved against a channel of the tests.

The first line of each says what it is: conda's packages, pip's, and the channels, in their order.
"""

from pathlib import Path

import pytest
from rattler import Channel as RattlerChannel
from rattler import MatchSpec, SparseRepoData

from fairlead.conda.channels import SUBDIRS, Channel, channel_address
from fairlead.conda.repodata import Repodata
from fairlead.conda.solve import Machine, solved
from fairlead.contract import Requirement
from fairlead.inputs import conda
from fairlead.inputs.conda import read_conda, with_default_channels
from fairlead.inputs.environment import Environment, read_environment
from fairlead.inputs.match_spec import read_match_spec
from tests.conda_channel import Package, made, small_python

FILES = sorted((Path(__file__).parent / "conda_files").glob("*.yml"))
FOR_36, FOR_37 = ("python >=3.6,<3.7.0a0",), ("python >=3.7,<3.8.0a0",)
PYTHONS = ("3.6.2", "3.6.10", "3.7.6", "3.8.2", "3.11.9")
NOARCH = {
    "_libgcc_mutex": "0.1=main",
    "ca-certificates": "2020.1.1=0",
    "intel-openmp": "2020.0=166",
    "libffi": "3.2.1=hd88cf55_4",
    "libgcc-ng": "9.1.0=hdf63c60_0",
    "libstdcxx-ng": "9.1.0=hdf63c60_0",
    "mkl": "2020.0=166",
    "blas": "1.0=mkl",
    "ncurses": "6.2=he6710b0_0",
    "openssl": "1.1.1d=h7b6447c_4",
    "readline": "7.0=h7b6447c_5",
    "sqlite": "3.31.1=h7b6447c_0",
    "tk": "8.6.8=hbc83047_0",
    "xz": "5.2.4=h14c3975_4",
    "zlib": "1.2.11=h7b6447c_3",
    "jpeg": "9b=h024ee3a_2",
    "x264": "1!152.20180717=h14c3975_1001",
    "ruamel_yaml": "0.15.87=0",
    "cudatoolkit": "10.1.243=h6bb024c_0",
    "torchvision": "0.5.0=py_0",
    "joblib": "0.14.1=py_0",
    "scipy": "1.2.1=py_0",
    "pillow": "7.0.0=py_0",
    "scikit-learn": "0.22.1=py_0",
}
OTHERS = (
    Package("numpy", "1.15.4", depends=FOR_36, build="py36_0", native=True),
    Package("numpy", "1.17.2", native=True),
    Package("numpy", "1.18.1", depends=FOR_37, build="py37h4f9e942_0", native=True),
    Package("numpy-base", "1.18.1", depends=FOR_37, build="py37hde5b4d6_1", native=True),
    Package("pandas", "0.23.4", depends=("numpy >=1.9",), native=True),
    Package("pandas", "1.0.1", depends=("numpy >=1.17",), native=True),
    Package("scikit-learn", "0.19.1", depends=("numpy >=1.9",), native=True),
    Package("pytorch", "1.4.0", build="py3.7_cpu_0", native=True),
    Package("pip", "20.0.2", depends=FOR_37, build="py37_1"),
    Package("pip", "19.1.1"),
    Package("setuptools", "45.2.0", depends=FOR_37, build="py37_0"),
    Package("wheel", "0.34.2", depends=FOR_37, build="py37_0"),
)


@pytest.fixture(scope="module")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pins = (pin.split("=") for pin in NOARCH.values())
    plain = [Package(n, v, build=b) for n, (v, b) in zip(NOARCH, pins, strict=True)]
    builds = {"3.7.6": "h0371630_2", "3.6.10": "h0371630_0"}
    pythons = [small_python(version) for version in PYTHONS]
    for python in pythons:
        python.build = builds.get(python.version, "0")
    return made(tmp_path_factory.mktemp("channel"), *plain, *OTHERS, *pythons)


@pytest.fixture(autouse=True)
def _any_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which Pythons there is a server for is another matter."""
    monkeypatch.setattr(conda, "too_old", lambda _: False)


def read(file: Path) -> Environment:
    found = read_environment(file.read_bytes(), file.name, read_conda)
    assert isinstance(found, Environment), found
    assert found.conda
    return found


def test_there_are_enough_of_them() -> None:
    assert len(FILES) >= 40


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_is_read_as_what_it_is(file: Path) -> None:
    first = file.read_text("utf-8-sig").split("\n", 1)[0]
    packages, pip, channels = (part.split() for part in first.removeprefix("# is:").split("|"))
    found = read(file)
    assert found.conda
    asked = [read_match_spec(package.text).name for package in found.conda.packages]
    expected = [package.partition("=")[0] for package in packages]
    assert sorted(asked) == sorted(expected)
    python = next((p.partition("=")[2] for p in packages if p.startswith("python=")), None)
    assert (found.python or "").split(",")[-1:] == [(python or "").split(",")[0]] or (
        found.python == python
    )
    assert [r.text.split("==")[0].split("[")[0].split(";")[0] for r in found.requirements] == pip
    assert [one.text for one in found.conda.channels] == channels


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_a_file_asks_for_is_solved(file: Path, channel: Path) -> None:
    found = read(file)
    assert found.conda
    whole = with_default_channels(found.conda, ("conda-forge",))
    named = [one.text for one in whole.channels]
    named += filter(None, (read_match_spec(one.text).channel for one in whole.packages))
    owners = []
    for address in dict.fromkeys(map(channel_address, named)):
        owners.append(Channel(Requirement(text=address, line=1), address, address))
    repodata = Repodata(tuple(owners))
    for owner in owners:
        for subdir in SUBDIRS:
            path = channel / subdir / "repodata.json"
            repodata.add(owner, SparseRepoData(RattlerChannel(owner.address), subdir, path))
    records = solved(whole.packages, repodata, Machine())
    for one in whole.packages:
        spec = read_match_spec(one.text)
        wanted = MatchSpec(f"{spec.name}{spec.rest}")
        assert [record for record in records if wanted.matches(record)], one


def test_the_variables_of_a_file_are_text() -> None:
    file = next(file for file in FILES if file.stem == "variables")
    assert read(file).variables == {
        "MODEL_NAME": "credit",
        "THREADS": "4",
        "QUIET": "true",
        "EMPTY": "",
    }
