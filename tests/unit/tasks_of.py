"""Tasks of each program, for tests of what runs them."""

from collections.abc import Mapping
from typing import Any, Literal

from fairlead.api.code_source import ImageSource
from fairlead.api.model import ConfigMapSource, ModelSource, VolumeClaimSource
from fairlead.contract import (
    AssembleRequest,
    EnvironmentRecipe,
    EnvironmentRequest,
    IngestRequest,
    LogTarget,
    Owner,
    ProfileRequest,
    ResolveRequest,
    SmokeRequest,
    SourceRequest,
    Task,
)
from fairlead.log_address import image_log, profile_build
from fairlead.requirement import Requirement

OWNER = Owner("Model", "diabetes", "uid-of-models")
DIGEST = f"sha256:{'cd' * 32}"


def ingest_task(
    uri: str | None = None,
    *,
    name: str = "diabetes",
    namespace: str = "demo",
    config_map: str = "",
    claim: str = "",
    **others: Any,
) -> Task:
    source = ModelSource(
        uri=uri,
        config_map=ConfigMapSource(name=config_map) if config_map else None,
        persistent_volume_claim=VolumeClaimSource(claim_name=claim) if claim else None,
    )
    request = IngestRequest(
        repository=f"localhost:5000/{namespace}/fairlead/models/{name}",
        model_name=name,
        source=source,
    )
    usual = {"attempt": 1, "timeout": 3600.0, "owner": OWNER, **others}
    return Task(
        id=f"ingest-{name}",
        program="ingest",
        request=request,
        namespace=namespace,
        config_map=config_map,
        **usual,
    )


def source_task(**others: Any) -> Task:
    request = SourceRequest(
        repository="localhost:5000/demo/fairlead/code/diabetes",
        source=ImageSource(uri="s3://code/credit/"),
        entry_script="src/score.py",
        conda_file="myenv.yml",
        base_image="python:3.11-slim",
        channels=("conda-forge",),
        identity=True,
    )
    usual = {"attempt": 1, "timeout": 600.0, "owner": OWNER, **others}
    return Task(id="source-diabetes", program="source", request=request, namespace="demo", **usual)


def resolve_task(name: str = "diabetes", namespace: str = "demo", owner: Owner = OWNER) -> Task:
    registry = f"localhost:5000/{namespace}"
    request = ResolveRequest(
        repository=f"{registry}/{name}",
        environments=f"{registry}/fairlead/environments",
        recipe=EnvironmentRecipe(base_image="python:3.11-slim"),
    )
    return Task(
        id=f"resolve-{name}",
        program="resolve",
        attempt=1,
        request=request,
        timeout=120.0,
        namespace=namespace,
        owner=owner,
    )


def assemble_task(
    files: Mapping[str, bytes], config_map: str = "", attempt: int = 1, owner: Owner = OWNER
) -> Task:
    registry = "localhost:5000/demo"
    request = AssembleRequest(
        repository=f"{registry}/diabetes",
        version=1,
        hash="ef" * 32,
        environments=f"{registry}/fairlead/environments",
        environment_digest=DIGEST,
        runtimes=f"{registry}/fairlead/runtimes",
        python="3.11.2",
        entry_script="score.py",
        log=LogTarget(
            repository=f"{registry}/diabetes", tag=f"log-1-{attempt}", owner="demo/diabetes"
        ),
    )
    return Task(
        id="assemble-diabetes",
        program="assemble",
        attempt=attempt,
        request=request,
        timeout=3600.0,
        files=files,
        build=f"demo/diabetes/1-{attempt}",
        namespace="demo",
        log=image_log("demo", "diabetes", f"1-{attempt}"),
        owner=owner,
        config_map=config_map,
    )


def environment_task(
    engine: Literal["docker", "pod", "buildkit"] = "pod",
    steps: str = "ENV A=1",
    conda_file: bool | None = None,  # noqa: FBT001
    **others: Any,
) -> Task:
    registry = "localhost:5000/demo"
    request = EnvironmentRequest(
        recipe=EnvironmentRecipe(
            base_image="python:3.11-slim",
            requirements=(Requirement(text="scikit-learn==1.5.2", line=6),),
            file="myenv.yml",
            steps=steps,
            steps_file="Dockerfile.steps",
        ),
        base_digest=DIGEST,
        hash="ab" * 32,
        environments=f"{registry}/fairlead/environments",
        log=LogTarget(repository=f"{registry}/diabetes", tag="log-1-1", owner="demo/diabetes"),
        engine=engine,
        conda_file=conda_file,
    )
    usual = {"attempt": 1, "timeout": 3600.0, "owner": OWNER, "build": "demo/diabetes/1-1"}
    return Task(
        id="environment-demo",
        program="environment",
        request=request,
        namespace="demo",
        **{**usual, **others},
    )


def smoke_task(owner: Owner = OWNER, **others: Any) -> Task:
    request = SmokeRequest(
        image=f"localhost:5000/demo/diabetes@{DIGEST}",
        timeout_seconds=310,
        sample='{"data": [[1, 2]]}',
    )
    usual = {
        "requests": {"cpu": "100m", "memory": "512Mi"},
        "log": image_log("demo", "diabetes", "1-1"),
        "log_if_failed": True,
    }
    return Task(
        id="smoke-diabetes",
        program="smoke",
        attempt=1,
        request=request,
        timeout=310.0,
        build="demo/diabetes/1-1",
        namespace="demo",
        owner=owner,
        **{**usual, **others},
    )


def profile_task(owner: Owner = OWNER, **others: Any) -> Task:
    request = ProfileRequest(
        image=f"localhost:5000/demo/diabetes@{DIGEST}",
        timeout_seconds=900,
        sample='{"data": [[1, 2]]}',
        requests=1000,
        seconds=30,
        max_concurrent_requests=2,
    )
    build = profile_build("ab" * 32, 1)
    return Task(
        id="profile-diabetes",
        program="profile",
        attempt=1,
        request=request,
        timeout=900.0,
        build=f"demo/diabetes/{build}",
        namespace="demo",
        owner=owner,
        log=image_log("demo", "diabetes", build),
        log_if_failed=True,
        requests={"cpu": "1", "memory": "2Gi"},
        limits={"cpu": "1", "memory": "2Gi"},
        **others,
    )
