from fairlead.api.model import MAX_VERSIONS, ModelVersion
from fairlead.tasks.ingest import _result
from tests.unit.decide.test_model import VERSION


def test_of_many_versions_the_newest_are_told_and_the_one_that_counts() -> None:
    known = [ModelVersion.model_validate({**VERSION, "version": n}) for n in range(1, 301)]
    result = _result(known[0], known)
    assert result.version == 1
    numbers = [version.version for version in result.versions]
    assert numbers == [1, *range(302 - MAX_VERSIONS, 301)]
