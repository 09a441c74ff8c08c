"""What the container in the base image is handed before it begins."""

import stat
import subprocess
import sys
from pathlib import Path

from fairlead.images.install_in_base import PIPE
from fairlead.tasks import hand_tools


def test_the_program_and_the_pipe_are_there_also_after_a_second_start(tmp_path: Path) -> None:
    for _ in range(2):
        hand_tools.main(tmp_path)
    assert (tmp_path / "begin_in_base.sh").is_file()
    assert stat.S_ISFIFO((tmp_path / PIPE).stat().st_mode)
    program = tmp_path / "install_in_base.py"
    subprocess.run([sys.executable, "-m", "py_compile", program], check=True)


def test_the_program_needs_nothing_but_the_standard_library(tmp_path: Path) -> None:
    """It runs on a Python of which we know nothing, whatever lies beside it."""
    hand_tools.main(tmp_path)
    (tmp_path / "ended").touch()
    command = [sys.executable, "-I", "-S", str(tmp_path / "install_in_base.py"), str(tmp_path)]
    subprocess.run(command, check=True, timeout=120)
