"""Solving what tests have read, against a channel of theirs, whatever channels a file names."""

from pathlib import Path

from rattler import Channel as RattlerChannel
from rattler import MatchSpec, SparseRepoData

from fairlead.conda.channels import SUBDIRS, Channel, channel_address
from fairlead.conda.repodata import Repodata
from fairlead.conda.solve import Machine, solved
from fairlead.inputs.conda import with_default_channels
from fairlead.inputs.match_spec import read_match_spec
from fairlead.requirement import CondaRecipe, Requirement
from tests.conda_channel import Package, made, small_python

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


def channel_in(folder: Path) -> Path:
    """Make the channel."""
    pins = (pin.split("=") for pin in NOARCH.values())
    plain = [Package(n, v, build=b) for n, (v, b) in zip(NOARCH, pins, strict=True)]
    builds = {"3.7.6": "h0371630_2", "3.6.10": "h0371630_0"}
    pythons = [small_python(version) for version in PYTHONS]
    for python in pythons:
        python.build = builds.get(python.version, "0")
    return made(folder, *plain, *OTHERS, *pythons)


def check_solved(conda: CondaRecipe, channel: Path) -> None:
    """Everything that is asked for is found, as it is asked for."""
    whole = with_default_channels(conda, ("conda-forge",))
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
