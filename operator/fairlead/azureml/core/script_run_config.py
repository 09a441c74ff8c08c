"""v1's ``azureml.core.script_run_config``."""

from fairlead.azureml.absent import TRAIN_ELSEWHERE, Absent

ScriptRunConfig = Absent("ScriptRunConfig", TRAIN_ELSEWHERE)

__all__ = ["ScriptRunConfig"]
