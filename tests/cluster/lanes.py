"""Work that may overlap: lanes of one thread each, all of them stopped by the first failure."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from tests.cluster.command import end_running, ending_together
from tests.cluster.errors import ClusterError

Work = Callable[[], object]


def in_parallel(*lanes: Iterable[Work]) -> None:
    """Do all the work. Raises the ``ClusterError`` that came first, once every lane has stopped."""
    failed = threading.Event()
    failures: list[ClusterError] = []

    def walk(lane: Iterable[Work]) -> None:
        for work in lane:
            if failed.is_set():
                return
            try:
                work()
            except ClusterError as error:
                failures.append(error)
                failed.set()
                end_running()

    with ending_together(), ThreadPoolExecutor(len(lanes)) as pool:
        try:
            for future in [pool.submit(walk, lane) for lane in lanes]:
                future.result()
        except KeyboardInterrupt:
            failed.set()
            end_running()
            raise
    if failures:
        raise failures[0]
