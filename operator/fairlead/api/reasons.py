"""Every reason that a condition, a failure or an Event can carry. A reason is API.

The comment behind each is its documentation: ``docs/reasons.md`` lists the same words, and a test
keeps the two equal. Names of Azure ML's own troubleshooting pages are kept where they fit, so that
what people find there helps here.
"""

from enum import StrEnum


class Reason(StrEnum):
    # --- all kinds
    PENDING = "Pending"  # not looked at yet, or a stage waits for the one before it
    INVALID_SPEC = "InvalidSpec"  # the schema let it pass, but it cannot be meant so
    QUEUED = "Queued"  # waits for a free task slot
    CONFIG_MAP_NOT_FOUND = "ConfigMapNotFound"  # the ConfigMap named by the source is missing
    SOURCE_TOO_LARGE = "SourceTooLarge"  # more files or bytes than a source of code may have
    SOURCE_CHANGED = "SourceChanged"  # it changed while a task read it; tried again
    NAME_TAKEN = "NameTaken"  # an object we need to make exists and belongs to somebody else
    FORBIDDEN = "Forbidden"  # the operator's role, a quota or an admission policy refuses
    API_UNREACHABLE = "ApiUnreachable"  # the Kubernetes API does not answer
    API_UNAVAILABLE = "ApiUnavailable"  # the Kubernetes API asks to come back later
    UNAUTHORIZED = "Unauthorized"  # the operator's own credentials are not accepted
    NOT_FOUND = "NotFound"  # the namespace or the kind is gone
    INVALID = "Invalid"  # the API refuses an object we made
    REJECTED = "Rejected"  # any other refusal by the API
    REGISTRY_UNREACHABLE = "RegistryUnreachable"  # no answer from the registry; tried again
    REGISTRY_AUTH = "RegistryAuth"  # the registry wants credentials, or other ones
    REGISTRY_DENIED = "RegistryDenied"  # the registry knows us, and does not let us do this
    REGISTRY_REFUSED = "RegistryRefused"  # the settings do not allow the registry's address
    REPOSITORY_NOT_FOUND = "RepositoryNotFound"  # the registry wants it, or its project, made first
    REGISTRY_FULL = "RegistryFull"  # a quota of the registry, or its disk, is used up
    REGISTRY_READ_ONLY = "RegistryReadOnly"  # the registry takes nothing in
    REGISTRY_BODY_LIMIT = "RegistryBodyLimit"  # a proxy before it takes nothing of this size
    REGISTRY_UNTRUSTED = "RegistryUntrusted"  # the registry's certificate is not trusted
    REGISTRY_TLS = "RegistryTls"  # one side speaks TLS, the other does not
    CREDENTIALS_INVALID = "CredentialsInvalid"  # no Docker config that can be read
    SECRET_UNSUPPORTED = "SecretUnsupported"  # no kubelet mounts one where tasks run
    VOLUME_UNSUPPORTED = "VolumeUnsupported"  # no kubelet mounts one where tasks run
    REGISTRY_FAULT = "RegistryFault"  # the registry's answer is not what the protocol says
    TASK_CRASHED = "TaskCrashed"  # a task ended without saying why
    TASK_TIMED_OUT = "TaskTimedOut"  # a task took longer than the setting allows
    TASK_INTERRUPTED = "TaskInterrupted"  # operator or node went away meanwhile; started again
    INTERNAL_ERROR = "InternalError"  # a bug of the operator ended a reconcile; tried again
    OUT_OF_DISK = "OutOfDisk"  # no space left where the task works
    TASK_OUT_OF_MEMORY = "TaskOutOfMemory"  # a task needed more than its Job may use
    PLATFORM_UNSUPPORTED = "PlatformUnsupported"  # nothing here builds for the platform
    ENGINE_UNSUPPORTED = "EngineUnsupported"  # no engine here builds such an environment

    # --- Model
    INGESTING = "Ingesting"  # the model is being fetched and stored
    RESOLVED = "Resolved"  # the source is known
    STORED = "Stored"  # the latest version lies in the registry
    MODEL_SOURCE_NOT_FOUND = "ModelSourceNotFound"  # the address answers 404 or 410
    MODEL_SOURCE_DENIED = "ModelSourceDenied"  # what answers at the address hands out no file
    MODEL_SOURCE_UNREACHABLE = "ModelSourceUnreachable"  # the address does not answer; tried again
    MODEL_SOURCE_REFUSED = "ModelSourceRefused"  # the settings do not allow the address
    MODEL_SOURCE_CHANGED = "ModelSourceChanged"  # it changed while it was read; tried again
    MODEL_TOO_LARGE = "ModelTooLarge"  # more bytes or files than the settings allow
    MODEL_EMPTY = "ModelEmpty"  # the source holds no file
    MODEL_DIGEST_MISMATCH = "ModelDigestMismatch"  # the content is not what spec.digest says
    ARCHIVE_INVALID = "ArchiveInvalid"  # the file to be unpacked is no archive that we read
    ARCHIVE_UNSAFE = "ArchiveUnsafe"  # the archive reaches outside its folder, or holds links

    # --- InferenceImage
    WAITING_FOR_MODEL = "WaitingForModel"  # a model of spec.models has no version yet
    MODEL_NOT_FOUND = "ModelNotFound"  # a model of spec.models does not exist
    MODEL_VERSION_NOT_FOUND = "ModelVersionNotFound"  # the model has no such version
    MODEL_NAME_TWICE = "ModelNameTwice"  # two models would lie in the same folder
    FETCHING_SOURCE = "FetchingSource"  # the source is being fetched and stored
    SOURCE_NOT_FOUND = "SourceNotFound"  # there is nothing at the address of the source
    SOURCE_REF_NOT_FOUND = "SourceRefNotFound"  # no such branch, tag or commit; tried again
    SOURCE_DENIED = "SourceDenied"  # what answers at the address hands out no source
    SOURCE_UNREACHABLE = "SourceUnreachable"  # the address does not answer; tried again
    SOURCE_REFUSED = "SourceRefused"  # the settings do not allow the address, or what is there
    IGNORE_FILE_INVALID = "IgnoreFileInvalid"  # .amlignore or .gitignore cannot be read
    SOURCE_LOST = "SourceLost"  # the registry has not what was fetched; it is fetched again
    ENTRY_SCRIPT_NOT_FOUND = "EntryScriptNotFound"  # the source has no such file
    ENTRY_SCRIPT_INVALID = "EntryScriptInvalid"  # it does not parse
    ENTRY_SCRIPT_INCOMPLETE = "EntryScriptIncomplete"  # no init() or no run(), or a run() unfit
    SOURCE_FILE_NOT_FOUND = "SourceFileNotFound"  # a file that the spec names is not in the source
    ENVIRONMENT_FILE_INVALID = "EnvironmentFileInvalid"  # the conda or requirements file is wrong
    CHANNEL_NOT_FOUND = "ChannelNotFound"  # no conda channel at that address
    CHANNEL_REFUSED = "ChannelRefused"  # the settings do not allow the channel's address
    CHANNEL_DENIED = "ChannelDenied"  # the channel does not let us read it
    CHANNEL_UNREACHABLE = "ChannelUnreachable"  # the channel does not answer as one; tried again
    ENVIRONMENT_UNPINNED = "EnvironmentUnpinned"  # built; some versions were left open
    PYTHON_UNSUPPORTED = "PythonUnsupported"  # older than scripts are run on
    PYTHON_UNAVAILABLE = "PythonUnavailable"  # the base image has another Python, or none
    DOCKERFILE_STEPS_INVALID = "DockerfileStepsInvalid"  # an instruction that is not allowed there
    IMPORT_NOT_LISTED = "ImportNotListed"  # a warning: no package of the file is known to bring it
    MODEL_NOT_LISTED = "ModelNotListed"  # a warning: the script looks up what spec.models has not
    PROVIDED_BY_RUNTIME = "ProvidedByRuntime"  # packages of Azure ML v1 that are not installed
    INPUTS_READY = "InputsReady"  # everything the build needs is there
    RESOLVING = "Resolving"  # the registry is asked for the base image and earlier versions
    BASE_IMAGE_NOT_FOUND = "BaseImageNotFound"  # the registry does not have the base image
    BASE_IMAGE_DENIED = "BaseImageDenied"  # the registry does not let us read the base image
    BASE_IMAGE_WRONG_PLATFORM = "BaseImageWrongPlatform"  # made for another processor or system
    BUILDING_ENVIRONMENT = "BuildingEnvironment"  # packages are being installed
    WAITING_FOR_SHARED_ENVIRONMENT = "WaitingForSharedEnvironment"  # another image builds the same
    ENVIRONMENT_BUILT = "EnvironmentBuilt"  # the environment image is in the registry
    PACKAGE_INDEX_UNREACHABLE = "PackageIndexUnreachable"  # not the user's fault; tried again
    PACKAGE_INDEX_DENIED = "PackageIndexDenied"  # the index does not let builds read it
    PACKAGE_ADDRESS_REFUSED = "PackageAddressRefused"  # the settings do not allow what a file names
    PACKAGE_INDEX_REFUSED = "PackageIndexRefused"  # its address in the settings holds credentials
    PACKAGE_NOT_FOUND = "PackageNotFound"  # no such package, or no such version, on the index
    PACKAGE_NEEDS_OTHER_PYTHON = "PackageNeedsOtherPython"  # not for the base image's Python
    PACKAGE_HASH_MISMATCH = "PackageHashMismatch"  # the index has another file than the hash says
    PACKAGE_CONFLICT = "PackageConflict"  # two requirements exclude each other
    PACKAGE_BUILD_FAILED = "PackageBuildFailed"  # a package has no wheel and does not compile
    BUILD_OUT_OF_MEMORY = "BuildOutOfMemory"  # the kernel ended a step of the build
    ENVIRONMENT_UNFIT = "EnvironmentUnfit"  # what was installed, or its base, makes no image
    STEP_FAILED = "StepFailed"  # an instruction of Dockerfile.steps failed
    ENGINE_UNREACHABLE = "EngineUnreachable"  # what builds does not answer; tried again
    BUILDER_UNSUPPORTED_ON_NODE = "BuilderUnsupportedOnNode"  # BuildKit cannot start on the node
    IMAGE_BUILD_FAILURE = "ImageBuildFailure"  # the build failed and no rule knows why
    ASSEMBLING = "Assembling"  # models and code are put on the environment
    VERSION_TAKEN = "VersionTaken"  # somebody else pushed this version; the next is taken
    SMOKE_TESTING = "SmokeTesting"  # the image is tried: import, init(), and run() of a sample
    USER_SCRIPT_RUN_FAILED = "UserScriptRunFailed"  # run() did not answer the sample
    SMOKE_TEST_FAILED = "SmokeTestFailed"  # the image's container ended, and nothing says why
    PROFILING = "Profiling"  # the image is run under load, to be measured
    PROFILED = "Profiled"  # it was measured: status.profile
    PROFILE_FAILED = "ProfileFailed"  # its container ended, and nothing says why
    BUILT = "Built"  # the image is in the registry

    # --- Webservice
    WAITING_FOR_IMAGE = "WaitingForImage"  # the InferenceImage has no image yet
    IMAGE_NOT_FOUND = "ImageNotFound"  # the InferenceImage does not exist
    IMAGE_READY = "ImageReady"  # the image to serve is known
    IMAGE_PULL_FAILED = "ImagePullFailed"  # a node cannot pull the image
    WAITING_FOR_DELETION = "WaitingForDeletion"  # objects of an earlier Webservice are leaving
    DEPLOYED = "Deployed"  # the newest revision is rolled out
    ROLLING_OUT = "RollingOut"  # replicas of a new revision are starting
    ROLLOUT_STUCK = "RolloutStuck"  # no new replica gets ready, none says why, or it is paused
    ROLLED_BACK = "RolledBack"  # the newest revision failed: the image before it is served again
    SERVING = "Serving"  # at least one replica is ready
    STARTING = "Starting"  # no replica is ready yet, and none has failed
    USER_SCRIPT_INIT_FAILED = "UserScriptInitFailed"  # init() raised
    USER_SCRIPT_IMPORT_ERROR = "UserScriptImportError"  # the script could not be imported
    USER_SCRIPT_FUNCTION_NOT_FOUND = "UserScriptFunctionNotFound"  # no init() or no run()
    MODEL_FILE_NOT_FOUND = "ModelFileNotFound"  # get_model_path() found nothing
    INIT_TIMED_OUT = "InitTimedOut"  # init() did not return within its budget
    LIVENESS_FAILED = "LivenessFailed"  # the server stopped answering and was restarted
    POD_OUT_OF_MEMORY = "PodOutOfMemory"  # the kernel ended the container
    POD_UNSCHEDULABLE = "PodUnschedulable"  # no node takes it: room, taints, affinity, volumes
    POD_GATED = "PodGated"  # a scheduling gate holds it back
    POD_REFUSED = "PodRefused"  # quota, Pod Security or a policy refuses the pods
    POD_REJECTED = "PodRejected"  # the node that it was placed on does not take it
    POD_EVICTED = "PodEvicted"  # its node ran short of something, or was shut down
    NODE_LOST = "NodeLost"  # its node does not answer, or has lost the container
    VOLUME_MOUNT_FAILED = "VolumeMountFailed"  # a volume of the pod cannot be mounted
    POD_SANDBOX_FAILED = "PodSandboxFailed"  # the node cannot set the pod up: network, runtime
    CONTAINER_CONFIG_INVALID = "ContainerConfigInvalid"  # the kubelet cannot make the container
    SETTING_INVALID = "SettingInvalid"  # the scoring runtime refuses the value of a variable
    CONTAINER_EXITED = "ContainerExited"  # its process ended by itself, without an error
    INJECTED_CONTAINER_FAILED = "InjectedContainerFailed"  # one that others added to the pod fails
    READINESS_FAILED = "ReadinessFailed"  # it runs, and does not answer the readiness probe
    KUBERNETES_CRASH_LOOP_BACK_OFF = "KubernetesCrashLoopBackOff"  # crashes, cause not readable
    KEYS_CREATED = "KeysCreated"  # the Secret with the keys was made with the service
    KEYS_RECREATED = "KeysRecreated"  # that Secret was missing and was made again: new keys
    CHANGED_BY_ADMISSION = "ChangedByAdmission"  # the cluster changes what we set at each write
    CHANGED_BY_OTHERS = "ChangedByOthers"  # somebody changes what we set again and again
    FRONT_READY = "FrontReady"  # a front is ready: requests go through it
    FRONT_STARTING = "FrontStarting"  # no front is ready yet; requests go to replicas directly
    FRONT_UNAVAILABLE = "FrontUnavailable"  # none gets ready; requests go to replicas directly
    FRONT_IMAGE_PULL_FAILED = "FrontImagePullFailed"  # a node cannot pull the fronts' image
    SCALING = "Scaling"  # the autoscaler works
    FIXED_REPLICAS = "FixedReplicas"  # spec.replicas holds; nothing scales
    AT_MAX_REPLICAS = "AtMaxReplicas"  # the autoscaler wants more than maxReplicas
    METRICS_UNAVAILABLE = "MetricsUnavailable"  # the autoscaler gets no metrics
    FAST_LANE = "FastLane"  # a spike is met before the autoscaler looks
    METRICS_DEGRADED = "MetricsDegraded"  # some pods do not tell how many requests they have
    SPIKE_FASTER_THAN_STARTUP = "SpikeFasterThanStartup"  # requests get 503 while replicas start
    METRICS_API_MISSING = "MetricsApiMissing"  # metric Concurrency needs the metrics API
    METRICS_API_TAKEN = "MetricsApiTaken"  # custom.metrics.k8s.io is served by somebody else
    EXPOSED = "Exposed"  # the host is served: the address works where DNS leads there
    EXPOSURE_OFF = "ExposureOff"  # whoever runs the cluster grants no hosts
    EXPOSURE_NOT_GRANTED = "ExposureNotGranted"  # what spec.expose names is not granted
    HOST_TAKEN = "HostTaken"  # another Webservice has the host already
    NAMESAKE_EXPOSED = "NamesakeExposed"  # controllers would take another's Service for its own
    WAITING_FOR_ADDRESS = "WaitingForAddress"  # no controller has taken it yet: Ingress, HTTPRoute
    ROUTE_REFUSED = "RouteRefused"  # the Gateway does not take the HTTPRoute
    GATEWAY_API_MISSING = "GatewayApiMissing"  # the cluster knows no HTTPRoutes

    # --- fairlead, the command line
    SERVICE_NOT_FOUND = "ServiceNotFound"  # no local web service has this name
    SERVICE_NOT_RUNNING = "ServiceNotRunning"  # the local web service has ended, or does not answer
    PORT_TAKEN = "PortTaken"  # another program of this machine listens on the port
    FILE_NOT_FOUND = "FileNotFound"  # a file that the command names is not there
    FILE_EXISTS = "FileExists"  # a file would be written over that nobody said may be
    NOT_IMPORTED = "NotImported"  # Azure ML v1's files, or the arguments, cannot be meant so
    FILE_UNREADABLE = "FileUnreadable"  # a file cannot be read, or not as what it should be
    PROGRAM_NOT_FOUND = "ProgramNotFound"  # a program that is needed is not on this machine
    PROGRAM_FAILED = "ProgramFailed"  # a program that was started ended with an error
    EDITS_NOT_COMMITTED = "EditsNotCommitted"  # a change in a service would be lost
    SCORING_FAILED = "ScoringFailed"  # the service answered a request with an error
    NOT_WITHOUT_CONTAINER = "NotWithoutContainer"  # only a container or a cluster has it
    KUBECONFIG_INVALID = "KubeconfigInvalid"  # nothing says which cluster is meant, or as whom
    DEFINITIONS_MISSING = "DefinitionsMissing"  # the cluster does not know Fairlead's kinds
    OPERATOR_ABSENT = "OperatorAbsent"  # no operator has looked at the object
    KIND_UNKNOWN = "KindUnknown"  # none of Fairlead's kinds is called so
    FIELD_CONFLICT = "FieldConflict"  # fields of the object belong to who else applied it
    TIMED_OUT = "TimedOut"  # it was not done in the time that the command gave it; it goes on
    KEYS_UNREADABLE = "KeysUnreadable"  # the Secret with the keys is not there, or not for you
