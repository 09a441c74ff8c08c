"""The examples of code sources, and those in the document, are what the types take."""

import re
from pathlib import Path

import pytest
import yaml

from fairlead.api.meta import INFERENCE_IMAGE
from fairlead.api.objects import read_image
from tests.unit.objects import body

ROOT = Path(__file__).parents[3]
DOCUMENT = (ROOT / "docs/code-sources.md").read_text()
TEXTS = [
    (ROOT / "examples/code/image.yaml").read_text(),
    *re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL),
]


@pytest.mark.parametrize("text", TEXTS)
def test_an_example_is_valid(text: str) -> None:
    documents = [one for one in yaml.safe_load_all(text) if one.get("kind") != "Secret"]
    assert documents
    for document in documents:
        seen = read_image(body(INFERENCE_IMAGE, document["spec"]))
        assert seen.spec.source.is_fetched
