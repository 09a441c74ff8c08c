"""What a local deployment prints while it is made: a ``Log``, as v1 printed the build."""

from fairlead.azureml.webservice import say
from fairlead.local.phases import PHASES


class Printed:
    def phase(self, name: str) -> None:
        say(f"{PHASES.get(name, name)} ...\n")

    def write(self, text: str) -> None:
        lines = [line for line in text.splitlines() if line.strip()]
        say("".join(f"{line}\n" for line in lines))
