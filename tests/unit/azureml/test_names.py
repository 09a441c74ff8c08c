"""What things may be called, in v1's words."""

import pytest

from fairlead.azureml.exceptions import (
    InvalidConfigurationError,
    UserErrorException,
    WebserviceException,
)
from fairlead.azureml.names import (
    MAX_OBJECT_CHARS,
    OBJECT_NAME,
    check_image_name,
    check_model_name,
    check_script_name,
    check_service_name,
    object_name,
)


@pytest.mark.parametrize("name", ["a", "9.model-x_Y", "M" * 255])
def test_names_of_models_that_are_taken(name: str) -> None:
    check_model_name(name)


@pytest.mark.parametrize("name", ["", "-a", "_a", "a b", "M" * 256, "a\n", "é"])
def test_names_of_models_that_are_refused(name: str) -> None:
    with pytest.raises(WebserviceException, match="provided model name is invalid"):
        check_model_name(name)


@pytest.mark.parametrize("name", ["my-img", "a.b", "1ab", "a" * 32])
def test_names_of_images_that_are_taken(name: str) -> None:
    check_image_name(name)


@pytest.mark.parametrize("name", ["ab", "a" * 33, "My-img", "img-", "my_img", "abc\n"])
def test_names_of_images_that_are_refused(name: str) -> None:
    with pytest.raises(WebserviceException, match="be between 3 and 32 characters long"):
        check_image_name(name)


@pytest.mark.parametrize("name", ["my-svc", "abc", "a" * 32])
def test_names_of_services_that_are_taken(name: str) -> None:
    check_service_name(name)


@pytest.mark.parametrize("name", ["ab", "1svc", "a.bc", "a" * 33, "svc-", "Svc"])
def test_names_of_services_that_are_refused(name: str) -> None:
    with pytest.raises(WebserviceException, match="provided service name is invalid"):
        check_service_name(name)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("score.txt", "Only|only Python drivers"),
        ("my-score.py", 'invalid name "my-score.py"'),
        ("class.py", 'invalid name "class.py"'),
        ("src\\1score.py", 'invalid name "1score.py"'),
    ],
)
def test_scripts_that_cannot_be_imported(path: str, said: str) -> None:
    with pytest.raises(UserErrorException, match=said):
        check_script_name(path)


def test_a_script_in_a_folder() -> None:
    check_script_name("src/score.py")


def test_an_invalid_configuration_is_caught_by_either_of_v1s_names() -> None:
    assert issubclass(InvalidConfigurationError, WebserviceException)
    assert issubclass(InvalidConfigurationError, UserErrorException)
    assert InvalidConfigurationError("x").message == "x"


def test_what_kubernetes_takes_stays_as_it_is() -> None:
    assert object_name("my-best-model") == "my-best-model"


def test_other_names_get_one_that_is_always_the_same_and_no_other_ones() -> None:
    names = ["my_best_model", "My_Best_Model", "my.best.model", "x" * 255, "_", "MY-BEST-MODEL"]
    made = [object_name(name) for name in names]
    assert made == [object_name(name) for name in names]
    assert len(set(made)) == len(names)
    assert all(OBJECT_NAME.fullmatch(name) and len(name) <= MAX_OBJECT_CHARS for name in made)
    assert made[0].startswith("my-best-model-")
