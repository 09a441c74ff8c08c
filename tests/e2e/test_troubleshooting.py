"""docs/troubleshooting.md in a cluster: each of its commands that needs one, as it stands there."""

import json
from pathlib import Path

from tests.documents import CONSOLE, OURS, Block, Reader, answers, blocks, commands
from tests.e2e.scene import Scene

DOCUMENT = Path(__file__).parents[2] / "docs/troubleshooting.md"
CLUSTER = "cluster"
IMPORT = "fairlead import "
DEADLINE_S = 1000.0  # of one command: some of them wait


def reader_of(scene: Scene, folder: Path) -> Reader:
    """Somebody whose kubeconfig names the scene's namespace."""
    config = json.loads(scene.kubectl("config", "view", "--raw", "--flatten", "-o", "json"))
    for context in config["contexts"]:
        context["context"]["namespace"] = scene.namespace
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(json.dumps(config))
    work = folder / "work"
    work.mkdir()
    programs = {**OURS, "kubectl": str(scene.cluster.kubectl)}
    return Reader(work, {"KUBECONFIG": str(kubeconfig)}, programs, DEADLINE_S)


def followed(block: Block) -> list[tuple[str, str]]:
    """What of a block is for the cluster: all of it, or what makes the manifests."""
    found = list(commands(block)) if block.language == CONSOLE else []
    return [one for one in found if block.about == CLUSTER or one[0].startswith(IMPORT)]


def test_the_document_does_what_it_says(scene: Scene, tmp_path: Path) -> None:
    reader, done = reader_of(scene, tmp_path), 0
    for block in blocks(DOCUMENT):
        if block.is_file:
            reader.save(block)
        for command, expected in followed(block):
            got = reader.run(command)
            where = f"{DOCUMENT.name}:{block.line}: $ {command}\n"
            assert answers(expected, got), f"{where}{expected}\n-- and not --\n{got}"
            done += 1
    assert done >= 10
