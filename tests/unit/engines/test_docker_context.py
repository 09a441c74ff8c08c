"""What Docker Engine is handed for a build."""

import tarfile
from dataclasses import replace

from fairlead.contract import EnvironmentRecipe
from fairlead.engines.docker import _content_hash
from fairlead.engines.docker_client import context
from fairlead.images.recipe import program_files
from tests.unit.engines.test_pod_engine import plan


def test_a_file_that_may_be_run_stays_so() -> None:
    recipe = EnvironmentRecipe(base_image="python", programs=("bin/tool",))
    files = {
        "Dockerfile": b"",
        "source/bin/tool": b"1",
        "source/a": b"2",
        "build/source/bin/tool": b"",
    }
    with (
        context(files, programs=program_files(recipe)) as content,
        tarfile.open(fileobj=content) as tar,
    ):
        modes = {member.name: member.mode for member in tar}
    assert modes == {
        "Dockerfile": 0o644,
        "source/bin/tool": 0o755,
        "source/a": 0o644,
        "build/source/bin/tool": 0o755,
    }


def test_the_steps_run_again_where_a_file_of_theirs_may_be_run_now() -> None:
    files, before = {"Dockerfile": b"", "source/tool": b"1"}, plan()
    recipe = before.recipe.model_copy(update={"programs": ("tool",)})
    hashes = {_content_hash(files, one) for one in (before, replace(before, recipe=recipe))}
    assert len(hashes) == 2
    other = before.recipe.model_copy(update={"programs": ("pkg/setup.py",)})  # of a package
    assert _content_hash(files, replace(before, recipe=other)) in hashes
