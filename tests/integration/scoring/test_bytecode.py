"""A start compiles nothing of the runtime, whose layer brings the bytecode, and imports little."""

import io
import subprocess
import sys
import tarfile
import zlib
from pathlib import Path

from fairlead.images.bundled_runtime import Runtime
from fairlead.images.layers import Layer
from fairlead.images.layout import RUNTIME
from fairlead.images.runtime_layer import make_layer
from fairlead.settings import Settings
from tests.integration.scoring.service import ECHO, Service

OURS = f"{sys.version_info.major}.{sys.version_info.minor}"


def layer(wheel: Path, folder: Path, python: str = OURS) -> Layer:
    return make_layer(Runtime(wheel, python), folder, Settings(), lambda _: None)


def unpacked(made: Layer, folder: Path) -> Path:
    content = io.BytesIO(zlib.decompress(made.content, zlib.MAX_WBITS | 16))
    with tarfile.open(fileobj=content) as archive:
        archive.extractall(folder, filter="data")
    return folder / RUNTIME


def bytecode(folder: Path) -> dict[Path, int]:
    """Each compiled file, and when it was written."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.pyc")}


def test_nothing_of_the_runtime_is_compiled_at_a_start(wheel: Path, tmp_path: Path) -> None:
    """Python would write what it compiles: here it may."""
    runtime = unpacked(layer(wheel, tmp_path / "made"), tmp_path / "image")
    brought = bytecode(runtime)
    assert brought
    service = Service(tmp_path / "service", runtime, {"score.py": ECHO}, {})
    try:
        assert service.until_ready().score("1").is_success
        assert service.get("/metrics").is_success
        assert service.get("/swagger.json").is_success
        assert bytecode(runtime) == brought
    finally:
        service.end()


def test_two_layers_have_the_same_bytes(wheel: Path, tmp_path: Path) -> None:
    made = [layer(wheel, tmp_path / name).diff_id for name in ("one", "a-longer-name")]
    assert made[0] == made[1]


def test_what_we_cannot_compile_is_brought_as_it_is(wheel: Path, tmp_path: Path) -> None:
    other = "3.12" if OURS != "3.12" else "3.13"
    assert not bytecode(unpacked(layer(wheel, tmp_path / "made", other), tmp_path / "image"))
    assert Runtime(wheel, OURS).compiled
    assert Runtime(wheel, "3.6", server=OURS).compiled
    assert not Runtime(wheel, other).compiled


def test_a_start_imports_nothing_that_a_service_has_no_use_for(runtime: Path) -> None:
    """Each of these is a part of a start, which a pod with little CPU waits for."""
    unused = ["fairlead_scoring.front.trial", "fairlead_scoring.front.profiling.run"]
    program = (
        f"import sys; sys.path.insert(0, {str(runtime)!r}); import fairlead_scoring.front.main; "
        f"print(*sorted(sys.modules.keys() & {set(unused)!r}))"
    )
    command = [sys.executable, "-I", "-S", "-c", program]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() == []
