"""A real Kubernetes for the tests and the demo: kind with two nodes and a registry, everywhere.

Where images can be pulled they are, where they cannot they are built. Read ``up.py`` first.
``python -m tests.cluster`` is the command; the fixture ``cluster`` is the same for pytest.
"""

from tests.cluster.cluster import Cluster
from tests.cluster.errors import ClusterError

__all__ = ["Cluster", "ClusterError"]
