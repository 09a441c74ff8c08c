"""``python -m fairlead.tasks.hand_tools FOLDER``: what the container in the base image starts from.

The first container of a pod that builds an environment: it puts our programs there, and the pipe
that the other two speak through.
"""

import os
import shutil
import sys
from pathlib import Path

from fairlead.images import install_in_base

PIPE_MODE = 0o660
BEGIN = "begin_in_base.sh"


def main(folder: Path) -> None:
    source = Path(install_in_base.__file__)
    for program in (source, source.with_name(BEGIN)):
        shutil.copyfile(program, folder / program.name)
    pipe = folder / install_in_base.PIPE
    pipe.unlink(missing_ok=True)  # of an instance that was interrupted
    os.mkfifo(pipe, PIPE_MODE)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
