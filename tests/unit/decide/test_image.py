import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from fairlead.api.inferenceimage import InferenceImageStatus
from fairlead.api.objects import InferenceImage, Model
from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import (
    AssembleRequest,
    EnvironmentRequest,
    Task,
    TaskFailure,
    TaskPhase,
    TaskState,
)
from fairlead.decide.decision import ON_RESYNC_S, Decision
from fairlead.decide.image.inputs import Inputs, inputs_of
from fairlead.decide.image.stages import decide_image, image_reference
from fairlead.evidence import ImageEvidence
from fairlead.images.hashes import environment_hash
from fairlead.settings import Settings
from tests.unit.decide.test_model import VERSION
from tests.unit.image_evidence import image_evidence
from tests.unit.objects import NOW, image, model

SCRIPT = b"def init():\n    pass\n\n\ndef run(data):\n    return data\n"
CONDA = b"dependencies:\n- python=3.11\n- pip\n- pip:\n  - numpy==2.3.5\n  - scikit-lern==1.9\n"
FILES = {"score.py": SCRIPT, "myenv.yml": CONDA}
BASE, ENV, IMAGE = (f"sha256:{digit * 64}" for digit in "123")
SPEC: dict[str, Any] = {"models": [{"name": "diabetes"}], "condaFile": "myenv.yml"}
RESOLVED = {"baseDigest": BASE, "environmentHash": "e" * 64, "lastVersion": 0}
SETTINGS = Settings(registry_push="registry:5000")
STORED = model({"latestVersion": 1, "versions": [VERSION]})


def decided(
    seen: InferenceImage,
    tasks: Mapping[str, TaskState] | None = None,
    files: Mapping[str, bytes] | None = FILES,
    models: Mapping[str, Model | None] | None = None,
    **more: Any,
) -> Decision[InferenceImageStatus]:
    evidence = image_evidence(
        image=seen,
        models={"diabetes": STORED} if models is None else models,
        files=files,
        tasks=tasks or {},
        settings=SETTINGS,
    )
    return decide_image(replace(evidence, **more), NOW)


def said(decision: Decision[InferenceImageStatus]) -> dict[str, str]:
    return {c.type: f"{c.truth}/{c.reason}" for c in decision.conditions}


class Story:
    """One image, looked at again and again while its tasks come to their ends."""

    def __init__(self, files: Mapping[str, bytes] = FILES, **spec: Any) -> None:
        self.spec = {**SPEC, **spec}
        self.files = dict(files)
        self.status: InferenceImageStatus = InferenceImageStatus()
        self.tasks: dict[str, TaskState] = {}
        self.evidence: dict[str, Any] = {}

    def look(self) -> Decision[InferenceImageStatus]:
        seen = image(self.status.to_wire(), **self.spec)
        decision = decided(seen, self.tasks, self.files, **self.evidence)
        common = {"failure": decision.failure}
        self.status = decision.status.model_copy(update=common)
        for task in decision.tasks:
            known = self.tasks.get(task.id)
            if known is None or known.attempt < task.attempt:
                self.tasks[task.id] = TaskState(
                    task.id, task.attempt, TaskPhase.RUNNING, task.build, NOW
                )
        return decision

    def wanted(self) -> Task:
        [task] = self.look().tasks
        return task

    def ends(self, task: Task, **result: Any) -> None:
        state = self.tasks[task.id]
        self.tasks[task.id] = replace(
            state, phase=TaskPhase.SUCCEEDED, finished_at=NOW, result=result
        )

    def fails(self, task: Task, failure: TaskFailure) -> None:
        state = self.tasks[task.id]
        self.tasks[task.id] = replace(
            state, phase=TaskPhase.FAILED, finished_at=NOW, failure=failure
        )

    def resolve(self, **more: Any) -> None:
        self.ends(self.wanted(), **{**RESOLVED, **more})

    def build(self) -> None:
        self.ends(self.wanted(), digest=ENV, python="3.11.2", seconds=46.6, built=True)

    def assemble(self, digest: str = IMAGE) -> None:
        self.ends(self.wanted(), digest=digest, sizeBytes=1, seconds=1.2)


def ready() -> Story:
    story = Story()
    story.resolve()
    story.build()
    story.assemble()
    story.look()
    return story


def test_an_answer_that_the_status_holds_already_is_given_up() -> None:
    """An operator ended before it could; later it would be an answer of long ago."""
    story = Story()
    question = story.wanted()
    story.ends(question, **RESOLVED)
    assert story.look().taken == (question.id,)
    assert story.look().taken == (question.id,)
    del story.tasks[question.id]
    assert story.look().taken == ()


def test_an_image_goes_through_its_stages_and_is_ready() -> None:
    story = Story()
    assert said(story.look())["Ready"] == "Unknown/Resolving"
    story.resolve()
    building = story.look()
    assert said(building) == {
        "Ready": "Unknown/BuildingEnvironment",
        "Reconciling": "True/BuildingEnvironment",
        "InputsReady": "True/InputsReady",
        "EnvironmentReady": "Unknown/BuildingEnvironment",
        "Assembled": "Unknown/Pending",
    }
    assert story.status.build
    assert story.status.build.id == "1-1"
    assert story.status.build.log_uri == (
        "http://127.0.0.1:8082/inferenceimages/demo/diabetes/builds/1-1/log"
    )
    story.build()
    assert said(story.look())["Ready"] == "Unknown/Assembling"
    story.assemble()
    done = story.look()
    assert said(done) == {
        "Ready": "True/Built",
        "InputsReady": "True/InputsReady",
        "EnvironmentReady": "True/EnvironmentBuilt",
        "Assembled": "True/Built",
    }
    assert story.status.image_location == "localhost:5000/demo/diabetes:1"
    assert story.status.display
    assert story.status.display.build == "48s"
    assert image_reference(image(story.status.to_wire())) == f"localhost:5000/demo/diabetes@{IMAGE}"


def test_what_the_file_leaves_open_is_told_once_and_is_no_failure() -> None:
    text = b"dependencies: [python=3.11, numpy=1.26, scipy==1.11.4, {pip: [flask==3.0.3, pandas]}]"
    story = Story({**FILES, "myenv.yml": text})
    story.resolve()
    story.ends(story.wanted(), digest=ENV, python="3.11.2", seconds=4, built=True, locked=True)
    building = story.look()
    assert said(building)["EnvironmentReady"] == "True/EnvironmentUnpinned"
    [told] = [c for c in building.conditions if c.type == "EnvironmentReady"]
    assert "leaves versions open of numpy=1.26 and pandas" in told.message
    story.assemble()
    assert said(story.look())["Ready"] == "True/Built"
    assert story.status.environment
    assert story.status.environment.unpinned == ("numpy=1.26", "pandas")
    environments = "registry:5000/demo/fairlead/environments"
    assert story.status.environment.lock == f"{environments}:lock-{'e' * 64}"


def test_the_variables_of_the_file_are_in_the_image_and_the_specs_win() -> None:
    text = b"dependencies: [numpy]\nvariables: {A: file, B: file}"
    story = Story({**FILES, "myenv.yml": text}, environmentVariables={"B": "spec"})
    story.resolve()
    story.build()
    request = story.wanted().request
    assert isinstance(request, AssembleRequest)
    assert request.environment_variables == {"A": "file", "B": "spec"}


def test_a_build_that_will_have_to_wait_is_never_said_to_be_at_work() -> None:
    """The runner does not know the task yet, but how many are before it."""
    story = Story()
    story.resolve()
    seen = image(story.status.to_wire(), **story.spec)
    decision = decided(seen, story.tasks, new_tasks={"environment": 3})
    assert said(decision)["EnvironmentReady"] == "Unknown/Queued"
    assert "It waits behind 2 others" in decision.conditions[0].message
    at_once = decided(seen, story.tasks, new_tasks={"environment": 0, "assemble": 7})
    assert said(at_once)["EnvironmentReady"] == "Unknown/BuildingEnvironment"


def test_unchanged_inputs_do_nothing_at_all() -> None:
    story = ready()
    before, decision = story.status, story.look()
    assert (decision.tasks, story.status) == ((), before)


def test_nothing_is_done_again_when_the_runner_has_forgotten_its_tasks() -> None:
    story = ready()
    story.tasks.clear()
    assert story.look().tasks == ()


def test_the_tasks_are_told_where_to_push_and_where_to_log() -> None:
    story = Story()
    story.resolve()
    environment = story.wanted()
    assert environment.id.startswith(f"environment-demo-{'e' * 16}-")
    assert isinstance(environment.request, EnvironmentRequest)
    assert environment.request.environments == "registry:5000/demo/fairlead/environments"
    assert environment.request.log.tag == "log-1-1"
    assert environment.build == "demo/diabetes/1-1"
    story.build()
    request = story.wanted().request
    assert isinstance(request, AssembleRequest)
    assert (request.repository, request.version) == ("registry:5000/demo/diabetes", 1)
    assert request.environment_digest == ENV
    assert [layer.path for layer in request.models] == ["diabetes.pkl"]


def test_a_changed_script_goes_straight_to_assembly_as_the_next_version() -> None:
    story = ready()
    story.files["score.py"] = SCRIPT + b"# better\n"
    task = story.wanted()
    assert (task.program, task.build) == ("assemble", "demo/diabetes/2-1")
    assert story.status.version == 1  # the last good one, meanwhile


def test_inputs_that_come_back_are_recognised_without_any_work() -> None:
    story = ready()
    story.files["score.py"] = SCRIPT + b"# better\n"
    story.assemble(digest=f"sha256:{'4' * 64}")
    story.look()
    assert story.status.version == 2
    story.files["score.py"] = SCRIPT
    decision = story.look()
    assert (decision.tasks, story.status.version, story.status.image_digest) == ((), 1, IMAGE)


def test_a_changed_environment_resolves_and_builds_again() -> None:
    story = ready()
    story.files["myenv.yml"] = CONDA.replace(b"2.3.5", b"2.3.6")
    assert story.wanted().program == "resolve"


def test_after_the_status_was_lost_the_registry_tells_which_version_it_was() -> None:
    old = ready()
    assert old.status.hashes
    story = Story()
    known = {"version": 1, "digest": IMAGE, "hash": old.status.hashes.image}
    story.resolve(
        lastVersion=3, versions=[known], environmentDigest=ENV, environmentPython="3.11.2"
    )
    decision = story.look()
    assert (decision.tasks, story.status.version, story.status.image_digest) == ((), 1, IMAGE)


def test_versions_that_the_registry_has_seen_are_not_used_again() -> None:
    story = Story()
    story.resolve(lastVersion=3, environmentDigest=ENV, environmentPython="3.11.2")
    assert story.wanted().build == "demo/diabetes/4-1"


NO_SUCH_PACKAGE = TaskFailure(
    reason=Reason.PACKAGE_NOT_FOUND,
    class_=FailureClass.USER,
    message="scikit-lern==1.9; no such package on the index. Did you mean scikit-learn?",
    remedy="Correct the line.",
    requirement="scikit-lern==1.9",
)


def test_a_build_that_cannot_work_names_the_users_line_and_is_not_repeated() -> None:
    story = Story()
    story.resolve()
    story.fails(story.wanted(), NO_SUCH_PACKAGE)
    decision = story.look()
    assert decision.failure
    assert decision.failure.message == (
        "myenv.yml:6 asks for scikit-lern==1.9; no such package on the index. "
        "Did you mean scikit-learn?"
    )
    assert decision.failure.location == "myenv.yml:6"
    assert decision.failure.log_uri == story.status.build.log_uri  # type: ignore[union-attr]
    assert (decision.tasks, said(decision)["Stalled"]) == ((), "True/PackageNotFound")


def test_a_line_of_another_list_is_named_with_its_own_file() -> None:
    files = {**FILES, "myenv.yml": b"dependencies: [pip: [-r more.txt]]"}
    story = Story({**files, "more.txt": b"numpy\nscikit-lern==1.9\n"})
    story.resolve()
    story.fails(story.wanted(), NO_SUCH_PACKAGE)
    assert (failure := story.look().failure)
    assert failure.location == "more.txt:2"
    assert failure.message.startswith("more.txt:2 asks for scikit-lern==1.9; ")


def test_packages_of_the_source_are_handed_to_the_build_and_decide_what_it_makes() -> None:
    conda = b"dependencies: [pip: [-e pkg, -c held.txt, --pre]]"
    files = {**FILES, "myenv.yml": conda, "held.txt": b"numpy==1", "pkg/setup.py": b"1"}
    story = Story(files)
    story.resolve()
    task = story.wanted()
    assert isinstance(task.request, EnvironmentRequest)
    recipe = task.request.recipe
    assert recipe.local == {"pkg/setup.py": hashlib.sha256(b"1").hexdigest()}
    assert [one.text for one in (*recipe.requirements, *recipe.constraints, *recipe.options)] == [
        *("./pkg", "numpy==1", "--pre"),
    ]
    assert task.files == files
    hashes = {environment_hash(recipe, BASE)}
    for changed in ({"pkg/setup.py": b"2"}, {"held.txt": b"numpy==2"}):
        inputs = inputs_of(_evidence(files | changed), NOW)
        assert isinstance(inputs, Inputs)
        hashes.add(environment_hash(inputs.recipe, BASE))
    assert len(hashes) == 3


def _evidence(files: Mapping[str, bytes]) -> ImageEvidence:
    return image_evidence(image({}, **SPEC), {"diabetes": STORED}, files, {}, SETTINGS)


def test_a_failed_version_leaves_the_one_before_in_use() -> None:
    story = ready()
    story.files["myenv.yml"] = CONDA.replace(b"2.3.5", b"2.3.6")
    story.resolve(environmentHash="f" * 64)
    story.fails(story.wanted(), NO_SUCH_PACKAGE)
    decision = story.look()
    assert decision.failure
    assert decision.failure.message.endswith(" Version 2 failed; version 1 stays in use.")
    assert (story.status.version, story.status.image_digest) == (1, IMAGE)
    assert story.status.build
    assert (story.status.build.id, story.status.creation_state) == ("2-1", "Failed")


def test_a_build_that_the_operators_death_interrupted_is_another_attempt_of_its_version() -> None:
    story = Story()
    story.resolve()
    task = story.wanted()
    state = story.tasks[task.id]
    story.tasks[task.id] = replace(state, phase=TaskPhase.INTERRUPTED)
    again = story.wanted()
    assert (again.attempt, again.build) == (2, "demo/diabetes/1-2")
    assert story.status.build
    assert story.status.build.id == "1-2"


def test_an_attempts_number_survives_a_status_that_could_not_be_written() -> None:
    story = Story()
    story.resolve()
    task = story.wanted()
    story.tasks[task.id] = TaskState(task.id, 2, TaskPhase.RUNNING, "demo/diabetes/1-2", NOW)
    story.look()
    assert story.status.build
    assert story.status.build.id == "1-2"


def test_a_failure_under_other_settings_says_nothing_about_these() -> None:
    story = Story()
    story.resolve()
    story.fails(story.wanted(), NO_SUCH_PACKAGE)
    story.look()
    story.tasks.clear()  # as after a restart with another package index
    again = story.wanted()
    assert again.build == "demo/diabetes/1-2"


def test_an_environment_that_another_image_builds_is_waited_for() -> None:
    story = Story()
    story.resolve()
    identifier = f"environment-demo-{'e' * 16}-{SETTINGS.fingerprint}"
    story.tasks[identifier] = TaskState(identifier, 1, TaskPhase.RUNNING, "demo/other/7-1", NOW)
    decision = story.look()
    assert said(decision)["Ready"] == "Unknown/WaitingForSharedEnvironment"
    assert [task.id for task in decision.tasks] == [identifier]  # wanted by both
    story.fails(decision.tasks[0], NO_SUCH_PACKAGE)
    failed = story.look()
    assert failed.failure
    assert failed.failure.log_uri == (
        "http://127.0.0.1:8082/inferenceimages/demo/other/builds/7-1/log"
    )


def test_twenty_images_with_one_environment_want_one_build_of_it() -> None:
    stories = [Story({**FILES, "score.py": SCRIPT + f"# {n}\n".encode()}) for n in range(20)]
    for story in stories:
        story.resolve()
    builds = [story.wanted() for story in stories]
    assert {task.program for task in builds} == {"environment"}
    assert len({(task.id, task.attempt) for task in builds}) == 1
    for story in stories:
        story.build()
    images = [story.wanted() for story in stories]
    assert {task.program for task in images} == {"assemble"}
    assert len({task.id for task in images}) == 20


@pytest.mark.parametrize(
    ("models", "reason", "words"),
    [
        pytest.param({"diabetes": None}, "ModelNotFound", "does not exist", id="no object"),
        pytest.param(
            {"diabetes": model()}, "WaitingForModel", "has no version yet", id="no version"
        ),
        pytest.param(
            {
                "diabetes": model(
                    {
                        "observedGeneration": 1,
                        "failure": {
                            "reason": "ModelTooLarge",
                            "class": "User",
                            "message": "30Gi is too much.",
                        },
                    }
                )
            },
            "WaitingForModel",
            "has no version: 30Gi is too much.",
            id="it failed",
        ),
    ],
)
def test_an_image_waits_for_its_models(
    models: Mapping[str, Model | None], reason: str, words: str
) -> None:
    decision = decided(image(**SPEC), models=models)
    assert said(decision)["Ready"].endswith(f"/{reason}")
    assert words in decision.conditions[0].message
    assert (decision.tasks, decision.requeue_after) == ((), ON_RESYNC_S)
    assert "Reconciling" in said(decision)


def stored(ready: str, observed: int | None) -> Model:
    """A Model that has version 1 and says of itself whether it is ready."""
    condition = {"type": "Ready", "status": ready, "reason": "Ingesting"}
    conditions = [{**condition, "lastTransitionTime": "2026-11-22T09:00:00Z"}]
    seen = {} if observed is None else {"observedGeneration": observed}
    versions = {"latestVersion": 1, "versions": [VERSION]}
    return model({**versions, **seen, "conditions": conditions})


def test_a_version_that_does_not_exist_is_named_with_those_that_do() -> None:
    wanted = image(**{**SPEC, "models": [{"name": "diabetes", "version": 3}]})
    decision = decided(wanted, models={"diabetes": stored("True", 1)})
    assert said(decision)["Ready"] == "False/ModelVersionNotFound"
    assert decision.conditions[0].message == "Model 'diabetes' has no version 3; it has 1."


@pytest.mark.parametrize(
    "working",
    [
        pytest.param(model(), id="has said nothing yet"),
        pytest.param(stored("Unknown", 1), id="fetches"),
        pytest.param(stored("False", 1), id="tries again"),
        pytest.param(stored("True", 0), id="has not seen its newest spec"),
        pytest.param(stored("True", None), id="has lost its status"),
    ],
)
def test_a_version_that_may_still_come_is_waited_for_and_nobody_is_warned(working: Model) -> None:
    wanted = image(**{**SPEC, "models": [{"name": "diabetes", "version": 2}]})
    decision = decided(wanted, models={"diabetes": working})
    assert said(decision)["Ready"] == "Unknown/WaitingForModel"
    assert decision.conditions[0].message == (
        "Model 'diabetes' has no version 2 yet; it is still at work."
    )
    assert decision.failure is None


def test_the_failure_of_a_model_is_told_to_whoever_waits_for_its_version() -> None:
    failure = {"reason": "ModelTooLarge", "class": "User", "message": "30Gi is too much."}
    failing = model({"observedGeneration": 1, "failure": failure})
    wanted = image(**{**SPEC, "models": [{"name": "diabetes", "version": 1}]})
    decision = decided(wanted, models={"diabetes": failing})
    assert decision.conditions[0].message == (
        "Model 'diabetes' has no version 1: 30Gi is too much."
    )


def test_everything_wrong_with_the_source_is_said_at_once_before_any_build() -> None:
    files = {"score.py": b"def init():\n    pass\n", "myenv.yml": b"dependencies:\n- numpy=\n"}
    decision = decided(image(**SPEC), files=files, models={"diabetes": None})
    assert decision.failure
    assert "run" in decision.failure.message
    assert "myenv.yml:2" in decision.failure.message
    assert (decision.tasks, said(decision)["Stalled"]) == ((), "True/EntryScriptIncomplete")


def test_a_missing_config_map_is_waited_for() -> None:
    seen = image(**{**SPEC, "source": {"configMap": {"name": "code"}}})
    decision = decided(seen, files=None)
    assert decision.conditions[0].message == "ConfigMap 'code' does not exist in namespace 'demo'."


def test_a_model_is_mounted_from_its_repository_whatever_its_status_says() -> None:
    """Whoever may write a Model's status must not choose what tasks connect to."""
    forged = VERSION | {"artifact": "evil.example.com/demo/fairlead/models/diabetes:1"}
    models = {"diabetes": model({"latestVersion": 1, "versions": [forged]})}
    inputs = inputs_of(
        image_evidence(image(**SPEC), models=models, files=FILES, tasks={}, settings=SETTINGS), NOW
    )
    assert isinstance(inputs, Inputs)
    assert [layer.repository for layer in inputs.models] == [
        "registry:5000/demo/fairlead/models/diabetes"
    ]


def test_two_models_of_one_name_are_refused() -> None:
    twin = replace(
        STORED, name="twin", status=STORED.status.model_copy(update={"model_name": "diabetes"})
    )
    spec = {**SPEC, "models": [{"name": "diabetes"}, {"name": "twin"}]}
    decision = decided(image(**spec), models={"diabetes": STORED, "twin": twin})
    assert said(decision)["Ready"] == "False/ModelNameTwice"


def test_a_base_image_is_read_from_its_mirror_and_that_is_told() -> None:
    mirrors = "mcr.microsoft.com/=other.example.com/ mcr.microsoft.com/azureml/=reg.example.com/a/"
    settings = SETTINGS.model_copy(update={"base_image_mirrors": mirrors})
    asked = "mcr.microsoft.com/azureml/base:1"
    story = Story(baseImage=asked)
    story.evidence["settings"] = settings
    told = f"reg.example.com/a/base:1 (read in the place of {asked}, as FAIRLEAD_BASE_IMAGE_MIRRORS"
    messages = [condition.message for condition in story.look().conditions]
    assert any(told in message for message in messages)
    reason, class_ = Reason.BASE_IMAGE_NOT_FOUND, FailureClass.USER
    failure = TaskFailure(reason=reason, class_=class_, message="No reg.example.com/a/base:1.")
    story.fails(story.wanted(), failure)
    failed = story.look().failure
    assert failed is not None
    assert failed.message.startswith("No reg.example.com/a/base:1. (read in the place of ")


def test_without_a_mirror_a_base_image_is_what_it_is() -> None:
    assert Settings().mirrored("python:3.11-slim") == "python:3.11-slim"
