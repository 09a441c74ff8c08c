"""A service as a process: its models lie apart from its source."""

from pathlib import Path

import pytest

from fairlead.images.model_content import content_of
from fairlead.local.errors import LocalError
from fairlead.local.machine import Machine, check_apart
from fairlead.local.places import Places
from fairlead.local.preparation import PlacedModel
from fairlead.settings import Settings
from tests.unit.local.services import Told
from tests.unit.local.test_preparation import asked, folder, places, prepared

__all__ = ["folder", "places"]  # fixtures


@pytest.fixture
def model(tmp_path: Path) -> PlacedModel:
    (tmp_path / "m.pkl").write_bytes(b"m")
    return PlacedModel("m", 1, content_of(tmp_path, {"m.pkl": "sha256:" + "0" * 64}, "m"))


@pytest.mark.parametrize(
    "name", ["azureml-models/m/1/m.pkl", "azureml-models/m/1/x/y", "azureml-models/m/1"]
)
def test_a_file_where_the_model_goes_is_refused(name: str, model: PlacedModel) -> None:
    with pytest.raises(LocalError, match="the model 'm' goes there"):
        check_apart(model, ["score.py", name])


def test_files_beside_the_model_are_none_of_its(model: PlacedModel) -> None:
    check_apart(model, ["score.py", "azureml-models/m/2/m.pkl", "azureml-models/n", "azureml"])


def test_it_is_refused_before_anything_is_made_or_ended(folder: Path, places: Places) -> None:
    inside = folder / "azureml-models/credit.pkl/1/credit.pkl"
    inside.parent.mkdir(parents=True)
    inside.write_bytes(b"another")
    whole = prepared(asked(folder, source_directory=str(folder)), places)
    told = Told()
    with pytest.raises(LocalError, match=r"the model 'credit\.pkl' goes there"):
        Machine(places, Settings()).make(whole, told)
    assert told.phases == []
    assert not places.cache.exists()
