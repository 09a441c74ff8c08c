"""Images that only some tests need: made, or pulled, when the first asks."""

from tests.cluster import golang
from tests.cluster.builder import BuiltImages
from tests.cluster.engine import has_image
from tests.cluster.images import Images, PulledImages
from tests.cluster.places import Places
from tests.cluster.registry import push
from tests.cluster.steps import Steps
from tests.cluster.versions import BUILDKIT_IMAGE, FRONT_IMAGE


def buildkit_image(places: Places, steps: Steps) -> str:
    """A rootless BuildKit."""
    return _in_registry(places, steps, "buildkit", BUILDKIT_IMAGE)


def front_image(places: Places, steps: Steps) -> str:
    """HAProxy, as fronts run it."""
    return _in_registry(places, steps, "haproxy", FRONT_IMAGE)


def _in_registry(places: Places, steps: Steps, role: str, name: str) -> str:
    """The image's name, once it is in the registry of a cluster that is up; it comes by the way
    that the cluster's own images came."""
    go = golang.located(places) or golang.install(places)
    built = BuiltImages(places, steps, go)
    images: Images = built if has_image(built.tag("debian")) else PulledImages(places, steps, go)
    images.add(role)
    push(images.tag(role), name)
    return name
