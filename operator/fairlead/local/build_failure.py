"""A build that failed, told as the operator tells it: with the user's file and line in front."""

from fairlead.contract import EnvironmentRecipe, TaskFailure
from fairlead.diagnosis.build.explain import explain, tail
from fairlead.diagnosis.build.output import BuildOutput
from fairlead.finding import Finding
from fairlead.inputs.recipe import located
from fairlead.local.errors import LocalError
from fairlead.tasks.failures import failure


def build_failed(output: BuildOutput, recipe: EnvironmentRecipe) -> LocalError:
    """What the output of a build means."""
    return task_failed(failure(explain(output, recipe), tail(output)), recipe)


def task_failed(told: TaskFailure, recipe: EnvironmentRecipe) -> LocalError:
    """What a task's failure means for whoever runs it by hand."""
    found = located(told, recipe)
    finding = Finding(found.reason, found.class_, found.message, found.remedy, found.location)
    return LocalError(finding, found.log_tail or "")
