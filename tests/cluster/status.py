"""Status: what is there now, in a few lines. It changes nothing."""

from tests.cluster.down import REACHABLE
from tests.cluster.engine import docker_lines
from tests.cluster.lock import holder
from tests.cluster.machine import engine
from tests.cluster.places import Places
from tests.cluster.ports import PURPOSES, taken
from tests.cluster.ports import holder as port_holder
from tests.cluster.state import read_state
from tests.cluster.steps import Steps
from tests.cluster.versions import MARK


def status(places: Places, steps: Steps) -> None:
    met = engine(places)
    state, lock = read_state(places), holder(places)
    steps.say(f"Docker Engine  {met.value}")
    if met in REACHABLE:
        query = ("container", "ls", "--all", "--filter", f"label={MARK}")
        for line in docker_lines(*query, "--format", "{{.Names}}  {{.Status}}"):
            steps.say(f"container      {line}")
    for process in state.processes if state else ():
        steps.say(f"process        {process.name}  pid {process.pid}")
    for port in PURPOSES:
        who = port_holder(port) or "another program"
        steps.say(f"port {port:<10}{who if taken(port) else 'free'}")
    if state:
        steps.say(f"started        {state.since} from {state.checkout}")
    steps.say(f"in use by      {lock.what if lock else 'nobody'}")
    steps.say(f"kubeconfig     {places.kubeconfig if places.kubeconfig.exists() else 'none'}")
    steps.say(f"cache          {places.cache}")
