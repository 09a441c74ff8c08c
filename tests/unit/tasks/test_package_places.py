"""Which addresses an environment file may lead pip to."""

import pytest

from fairlead.api.reasons import Reason
from fairlead.contract import EnvironmentRecipe
from fairlead.registry import addresses
from fairlead.requirement import Requirement
from fairlead.settings import Settings
from fairlead.tasks.failures import TaskFailedError
from fairlead.tasks.package_places import refuse_places

METADATA = "169.254.169.254"


def recipe(
    option: str = "", requirement: str = "numpy", constraint: str = "numpy<2"
) -> EnvironmentRecipe:
    options = (Requirement(text=option, line=2, file="more.txt"),) if option else ()
    asked = (Requirement(text=requirement, line=3),)
    held = (Requirement(text=constraint, line=1, file="held.txt"),)
    return EnvironmentRecipe(
        base_image="python", requirements=asked, options=options, constraints=held
    )


@pytest.mark.parametrize(
    "asked",
    [
        recipe(f"--extra-index-url https://{METADATA}/latest"),
        recipe("--index-url https://2852039166/simple"),
        recipe("--find-links https://localhost:8443/"),
        recipe(requirement=f"https://{METADATA}/a.zip"),
        recipe(requirement="a @ git+https://127.0.0.1/a.git"),
        recipe(constraint=f"numpy @ https://{METADATA}/numpy-1.0-py3-none-any.whl"),
        recipe(constraint="a @ git+https://127.0.0.1/a.git"),
        recipe("--index-url https://metadata.google.internal/simple"),
        recipe("--index-url https://kubernetes.default.svc/simple"),
    ],
)
def test_no_line_leads_to_what_only_the_machine_reaches(asked: EnvironmentRecipe) -> None:
    with pytest.raises(TaskFailedError) as raised:
        refuse_places(asked, Settings())
    failure = raised.value.failure
    assert failure.reason is Reason.PACKAGE_ADDRESS_REFUSED
    lines = (*asked.options, *asked.requirements, *asked.constraints)
    assert failure.requirement in [one.text for one in lines]
    assert failure.message.startswith(f"{failure.requirement}; ")
    assert failure.retryable is False


def test_a_name_that_leads_there_is_refused_and_looked_up_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = list[str]()

    def resolved(host: str, port: int) -> list[str]:
        asked.append(f"{host}:{port}")
        return [METADATA] if host == "bad.example" else ["192.0.2.1"]

    monkeypatch.setattr(addresses, "_resolved", resolved)
    good = recipe("--index-url https://good.example/simple", "a @ https://good.example/a.zip")
    refuse_places(good, Settings())
    assert asked == ["good.example:443"]
    with pytest.raises(TaskFailedError) as raised:
        refuse_places(recipe("--index-url https://bad.example:8443/simple"), Settings())
    assert raised.value.failure.retryable  # the name may lead elsewhere tomorrow
    assert "bad.example:8443 is at 169.254.169.254" in raised.value.failure.message


@pytest.mark.parametrize("port", ["", ":443", ":99999"])
def test_a_name_that_is_not_known_here_is_left_to_pip(
    port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise OSError("not known")

    monkeypatch.setattr("socket.getaddrinfo", unknown)
    refuse_places(recipe(f"--index-url https://index.example{port}/simple"), Settings())


def test_the_public_index_and_a_host_of_the_settings_are_not_looked_at() -> None:
    refuse_places(recipe("--index-url https://pypi.org/simple"), Settings())
    own = Settings(package_index=f"https://{METADATA}/simple")
    refuse_places(recipe(f"--extra-index-url https://{METADATA}/simple"), own)
