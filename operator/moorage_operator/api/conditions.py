"""The vocabulary of the status: every condition type, and every reason with its meaning and its cure.

`docs/reference/` is generated from here, and nothing else in the operator spells a reason.
"""

from __future__ import annotations

from enum import StrEnum


class ConditionType(StrEnum):
    """The conditions of a ModelDeployment, each with the question that it answers."""

    question: str

    def __new__(cls, value: str, question: str = "") -> ConditionType:
        """Carry the question beside the name."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.question = question
        return member

    READY = "Ready", "Does a version answer at the URL?"
    RECONCILING = "Reconciling", "Is a change under way, and within its deadline?"
    STALLED = "Stalled", "Does the change need somebody's help?"
    ARTIFACT_READY = "ArtifactReady", "Was the wanted artifact downloaded and verified?"
    ROLLOUT_HEALTHY = "RolloutHealthy", "Is the newest revision free of problems?"
    REGISTRY_REACHABLE = "RegistryReachable", "Did the registry answer the last question?"
    SCHEMA_COMPATIBLE = "SchemaCompatible", "Does the newest revision take and give what the one that serves does?"
    UPDATE_AVAILABLE = "UpdateAvailable", "Would this release of the operator render the pods differently?"
    SCALING_ACTIVE = "ScalingActive", "Can the autoscaler do its work?"
    GUESTS_HEALTHY = "GuestsHealthy", "Do the shadow and every arm of the A/B test answer?"


class Reason(StrEnum):
    """Why a condition is as it is: the word, what it means, what to do."""

    meaning: str
    cure: str

    def __new__(cls, value: str, meaning: str = "", cure: str = "Nothing to do.") -> Reason:
        """Carry meaning and cure beside the word."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        member.cure = cure
        return member

    # Ready
    SERVING = "Serving", "The public Service selects a revision whose pods answered a real request."
    NOT_SERVED_YET = "NotServedYet", "No version has answered yet.", "Wait, or read Stalled and RolloutHealthy."
    NOT_ROUTED = (
        "NotRouted",
        "The public Service selects no revision that answers.",
        "Wait: the operator repairs it; if an object of somebody else is in the way, read Stalled.",
    )
    NO_POD_READY = (
        "NoPodReady",
        "The revision that should serve has no pod that can answer.",
        "Read RolloutHealthy; then look at the pods.",
    )

    STABLE_DOWN = (
        "StableDown",
        "The version that serves has answered nobody for ten seconds. The candidate, which answers, is not taken: it "
        "has not been judged good by traffic of its own, or its rollout is paused.",
        "Annotate moorage.dev/promote with the candidate's revision, or bring the version that serves back.",
    )

    # Reconciling
    RESOLVING = (
        "Resolving",
        "The registry has not said yet which artifact is meant.",
        "Wait, or read RegistryReachable.",
    )
    LOADING = "Loading", "The first pod of a revision downloads, loads and tests the model."
    SCALING = "Scaling", "The first pod answers; the others are coming up."
    PROGRESSING = "Progressing", "The candidate gets its share of the traffic and is compared with what serves."
    PAUSED = (
        "Paused",
        "The rollout stays where it is until a person says go on; a candidate that fails is rolled back all the same.",
        "Annotate the ModelDeployment with moorage.dev/promote or moorage.dev/abort, as the message says.",
    )
    PROMOTING = "Promoting", "The candidate was good; the pods learn that it answers everything."
    STABLE_REPLACED = (
        "StableReplaced",
        "The version that serves answers nobody, so the candidate takes its place before the end of its rollout: it "
        "was judged good by the traffic that it had, a person promoted it, or there is no spec.rollout.",
        "Look at the pods of the version that served; moorage.dev/undo with the candidate's revision goes back to it.",
    )
    SWITCHING = "Switching", "The Service has moved; the cluster is learning it."
    STEADY = "Steady", "Everything is as the spec says."
    STOPPED = "Stopped", "The change cannot go on by itself.", "Read Stalled."
    CLEANING_UP = "CleaningUp", "Children that were deleted are still going away; they come back after that."

    # Stalled
    NOT_STALLED = "NotStalled", "Nothing needs help."
    PROGRESS_DEADLINE_EXCEEDED = (
        "ProgressDeadlineExceeded",
        "The change did not come to an end within spec.progressDeadlineSeconds.",
        "Look at the pods of the newest revision; raise the deadline if the model is just slow to load.",
    )
    NAME_CONFLICT = (
        "NameConflict",
        "An object that belongs to somebody else stands under a name that a child needs.",
        "Delete or rename that object, or give the ModelDeployment another name.",
    )

    ROUTES_NOT_APPLIED = (
        "RoutesNotApplied",
        "A pod of the version that serves does not say that it follows the newest route table.",
        "Look at the pod's log; the operator must be able to reach the admin port of the pods.",
    )
    INCONCLUSIVE_TOO_LONG = (
        "InconclusiveTooLong",
        "A step of the rollout could not be judged within rollout.maxHold.",
        "Promote or abort it by annotation, lower analysis.minSamples, or send the step more traffic.",
    )

    # A candidate that was rolled back
    CANDIDATE_ERRORS = (
        "CandidateErrors",
        "The candidate fails requests, surely more often than the stable version or than maxErrorRate.",
        "Read status.rollout.judgement and the log of the candidate's pods; register a corrected version.",
    )
    CANDIDATE_TIMES_OUT = (
        "CandidateTimesOut",
        "The candidate gives no answer within the patience of the shield, or of the client.",
        "Give it more CPU, make the model smaller, or raise rollout.shieldPatience.",
    )
    CANDIDATE_UNREACHABLE = (
        "CandidateUnreachable",
        "Connections to the candidate's pods break, or none of its pods answers its own test request any more.",
        "Look at the candidate's pods and at the network between the pods of this namespace, then moorage.dev/retry.",
    )
    CANDIDATE_ANSWERS_INVALID = (
        "CandidateAnswersInvalid",
        "The candidate's answers are no numbers, or not of the shape that it declares.",
        "Look at the version's training data and export; register a corrected version.",
    )
    CANDIDATE_REFUSES = (
        "CandidateRefuses",
        "The candidate refuses requests that the stable version answers.",
        "Compare the inputs of both versions; register one that takes what clients send.",
    )
    CANDIDATE_SLOW = (
        "CandidateSlow",
        "The candidate is slower than maxLatencyRatio allows.",
        "Give it more CPU, make the model smaller, or raise analysis.maxLatencyRatio.",
    )
    CANDIDATE_DISAGREES = (
        "CandidateDisagrees",
        "The candidate answers differently from the stable version, more often than maxDisagreement allows.",
        "Read the samples in the status; where the difference is meant, raise analysis.maxDisagreement or "
        "compare.tolerance.",
    )
    CANDIDATE_CRASHED = (
        "CandidateCrashed",
        "A container of the candidate ended while it was judged.",
        "Read the log of its previous container; register a corrected version.",
    )
    CANDIDATE_OUT_OF_MEMORY = (
        "CandidateOutOfMemory",
        "A container of the candidate needed more memory than its limit while it was judged.",
        "Raise spec.resources.limits.memory, or find the leak.",
    )
    METRIC_FAILED = (
        "MetricFailed",
        "A metric of rollout.analysis.metrics is out of its bounds.",
        "Look at the query in Prometheus; correct the version or the bounds, or annotate moorage.dev/retry with the "
        "revision.",
    )
    WEBHOOK_FAILED = (
        "WebhookFailed",
        "A judge of rollout.analysis.webhooks said Fail.",
        "Read its message; correct the version, or annotate moorage.dev/retry with the revision.",
    )
    SCHEMA_INCOMPATIBLE = (
        "SchemaIncompatible",
        "The candidate takes other inputs or gives other outputs than the version that serves.",
        "Set spec.allowSchemaChange: true if the clients know, or register a version with the old schema.",
    )
    ABORTED_BY_USER = (
        "AbortedByUser",
        "The annotation moorage.dev/abort named the candidate.",
        "Change the spec or the alias, or annotate moorage.dev/retry with the revision.",
    )
    UNDONE_BY_USER = (
        "UndoneByUser",
        "The annotation moorage.dev/undo named the revision that served.",
        "Change the spec or the alias, or annotate moorage.dev/retry with the revision.",
    )

    # The judgement, and what people ask for by annotation
    JUDGED_GOOD = "JudgedGood", "The candidate is as good as the version that serves."
    JUDGED_BAD = "JudgedBad", "The candidate is worse; so many judgements in a row roll it back."
    JUDGED_OPEN = "JudgedOpen", "There is not enough traffic yet to judge.", "Wait, or read the message."
    STEP_BEGUN = "StepBegun", "Every pod of the version that serves follows the step."
    ROLLED_BACK = "RolledBack", "The candidate gets no traffic any more; the version before it serves everything."
    INTENT_DONE = "IntentDone", "What an annotation asks for was done."
    INTENT_STALE = (
        "IntentStale",
        "An annotation asks for something that is not possible for the revision it names; nothing was done.",
        "Read the status for the revision that is meant now.",
    )
    INTENT_USED = (
        "IntentUsed",
        "An annotation still says what was done at an earlier time, and the revision is tried anew; it does nothing.",
        "Remove it (kubectl annotate mdep NAME moorage.dev/abort-), then set it again.",
    )

    # SchemaCompatible
    COMPATIBLE = "Compatible", "The newest revision takes and gives what the one that serves does."
    CHANGE_ALLOWED = "ChangeAllowed", "The schema changed, and spec.allowSchemaChange allows it."
    NOT_COMPARED = "NotCompared", "There are no two signatures to compare yet."

    # The spec
    INVALID_STORAGE_URI = (
        "InvalidStorageUri",
        "spec.model.storageUri cannot be read.",
        "Correct it as the message says.",
    )
    INVALID_DURATION = "InvalidDuration", "A duration cannot be read.", "Write it as 500ms, 5s or 1m30s."
    INVALID_QUANTITY = "InvalidQuantity", "A quantity cannot be read.", "Write it as 500m, 2, 512Mi or 4Gi."
    SPEC_UNREADABLE = (
        "SpecUnreadable",
        "This release of the operator does not understand the spec.",
        "Apply the CRD of the operator's release.",
    )
    ARTIFACT_SCHEME_UNSUPPORTED = (
        "ArtifactSchemeUnsupported",
        "The registry keeps the version in a store that pods cannot read.",
        "Log the model to S3, or let the MLflow server serve its artifacts.",
    )

    CACHE_UNKNOWN = (
        "CacheUnknown",
        "spec.cache.backend names no cache of the operator's settings.",
        "Use a name that the message lists, remove the field, or add the cache to the settings.",
    )

    # RegistryReachable
    REACHABLE = "Reachable", "The registry answered."
    NOT_NEEDED = "NotNeeded", "The storageUri names the artifact itself; no registry is asked."
    NOT_ASKED_YET = "NotAskedYet", "The registry has not been asked yet."
    REGISTRY_UNKNOWN = (
        "RegistryUnknown",
        "spec.model.registry names no registry or store of the operator's settings.",
        "Use a name that the message lists, or add it to the settings.",
    )
    REGISTRY_UNREACHABLE = (
        "RegistryUnreachable",
        "The registry refuses connections, or its name does not resolve.",
        "Bring the registry back, or correct its trackingUri in the operator's settings. What serves goes on serving.",
    )
    REGISTRY_TIMEOUT = (
        "RegistryTimeout",
        "The registry did not answer in time.",
        "Look at the registry's load. What serves goes on serving.",
    )
    REGISTRY_TLS_FAILURE = (
        "RegistryTLSFailure",
        "The registry's certificate is not trusted.",
        "Set caFile of this registry in the operator's settings, or renew the certificate.",
    )
    REGISTRY_UNAUTHORIZED = (
        "RegistryUnauthorized",
        "The registry wants credentials, or refuses those it got (401).",
        "Correct the files that the install mounts for this registry.",
    )
    REGISTRY_FORBIDDEN = (
        "RegistryForbidden",
        "The registry's user may not read this model (403).",
        "Grant it read access to the model.",
    )
    REGISTRY_HOST_NOT_ALLOWED = (
        "RegistryHostNotAllowed",
        "MLflow refuses the host name by which it is called (403).",
        "Start MLflow with --allowed-hosts naming that host.",
    )
    REGISTRY_ERROR = (
        "RegistryError",
        "The registry answered with an error, or with something that is no answer.",
        "Read the registry's log. What serves goes on serving.",
    )

    # ArtifactReady: the registry's no
    MODEL_NOT_FOUND = "ModelNotFound", "The registry knows no model of that name.", "Register it, or correct the name."
    VERSION_NOT_FOUND = (
        "VersionNotFound",
        "The model has no such version.",
        "Register it, or name a version that exists.",
    )
    ALIAS_NOT_FOUND = (
        "AliasNotFound",
        "The model has no such alias.",
        "Set the alias in the registry; it is noticed within the poll interval.",
    )
    STAGE_EMPTY = "StageEmpty", "No version of the model is in that stage.", "Move a version into the stage."

    # ArtifactReady: the download
    VERIFIED = "Verified", "A pod fetched the artifact and verified it."
    DOWNLOADING = "Downloading", "No pod has reported the artifact yet."
    ARTIFACT_NOT_FOUND = (
        "ArtifactNotFound",
        "There is nothing at the artifact's URI.",
        "Log the model again, or correct the path.",
    )
    BUCKET_NOT_FOUND = (
        "BucketNotFound",
        "The S3 store has no such bucket.",
        "Create it, or correct spec.model.storageUri.",
    )
    ACCESS_DENIED = (
        "AccessDenied",
        "The store refuses the download's credentials.",
        "Correct the keys in the Secret that spec.model.secretName names, or grant them read access.",
    )
    CREDENTIALS_MISSING = (
        "CredentialsMissing",
        "The store wants credentials and the download has none.",
        "Create the Secret that spec.model.secretName names, with the keys that the message lists.",
    )
    HOST_NOT_ALLOWED = (
        "HostNotAllowed",
        "MLflow refuses the host name by which the pod calls it.",
        "Start MLflow with --allowed-hosts naming that host.",
    )
    STORE_UNREACHABLE = (
        "StoreUnreachable",
        "The artifact store refuses connections, or its name does not resolve.",
        "Bring the store back; the download goes on where it stopped.",
    )
    STORE_TIMEOUT = "StoreTimeout", "The artifact store did not answer in time.", "Look at the store's load."
    STORE_ERROR = "StoreError", "The artifact store answered with an error.", "Read the store's log."
    TLS_FAILURE = (
        "TLSFailure",
        "The store's certificate is not trusted.",
        "Name a CA bundle in the operator's settings, or renew the certificate.",
    )
    ARTIFACT_TOO_LARGE = (
        "ArtifactTooLarge",
        "The artifact is larger than the operator allows, or than an ONNX file can be.",
        "Raise the artifact limit in the operator's settings, or make the artifact smaller.",
    )
    MEMORY_TOO_SMALL = (
        "MemoryTooSmall",
        "The model's weights do not fit into the memory limit of the container.",
        "Raise spec.resources.limits.memory to what the message tells, or make the model smaller.",
    )
    TOO_MANY_FILES = "TooManyFiles", "The artifact has too many files.", "Log the model without what it does not need."
    UNSAFE_PATH = (
        "UnsafePath",
        "A file of the artifact would leave its folder.",
        "Log the model again; find out who wrote it.",
    )
    LINK_REFUSED = "LinkRefused", "The artifact holds a link or a device.", "Store plain files."
    DIGEST_MISMATCH = (
        "DigestMismatch",
        "The artifact is not the one that was pinned: it was changed under the same version.",
        "Register the new content as a new version, or set spec.model.digest to what is meant.",
    )
    DOWNLOAD_INTERRUPTED = (
        "DownloadInterrupted",
        "The download was cut and will be resumed.",
        "Wait; look at the network if it stays.",
    )
    DOWNLOAD_FAILED = (
        "DownloadFailed",
        "The download ended in a way that has no name of its own.",
        "Read the log of the pod's download container.",
    )
    DISK_FULL = "DiskFull", "The node has no room for the artifact.", "Free the node's disk, or raise the limits."
    FORMAT_UNKNOWN = (
        "FormatUnknown",
        "The artifact does not say which format it has.",
        "Set spec.model.modelFormat.name, or log the model with its flavor.",
    )
    FORMAT_UNSUPPORTED = "FormatUnsupported", "The runtime cannot load this format.", "Convert the model to ONNX."
    ARTIFACT_CORRUPT = (
        "ArtifactCorrupt",
        "The model file is not whole, or is no ONNX model.",
        "Save the model again and register it as a new version.",
    )
    ONNX_VERSION_UNSUPPORTED = (
        "OnnxVersionUnsupported",
        "The model was exported for a newer ONNX than the engine knows.",
        "Export it for the opset that the message names.",
    )
    OPERATOR_UNSUPPORTED = (
        "OperatorUnsupported",
        "The model needs operators that the engine does not have.",
        "Export it with standard operators.",
    )
    EXTERNAL_DATA_MISSING = (
        "ExternalDataMissing",
        "The model keeps weights in files that the artifact does not have.",
        "Log the model together with the files that the message names.",
    )
    SOURCE_UNSUPPORTED = (
        "SourceUnsupported",
        "The runtime cannot read this kind of URI.",
        "Use a release of the runtime that can.",
    )

    # RolloutHealthy
    HEALTHY = "Healthy", "The newest revision has no problem."
    IMAGE_UNAVAILABLE = (
        "ImageUnavailable",
        "A node cannot get the pod's image.",
        "Push the image, correct its name in the operator's settings, or name imagePullSecrets in spec.podTemplate.",
    )
    UNSCHEDULABLE = (
        "Unschedulable",
        "No node can take the pod.",
        "Ask for less in spec.resources, loosen nodeSelector, affinity and tolerations, or add nodes.",
    )
    QUOTA_EXCEEDED = (
        "QuotaExceeded",
        "The namespace's ResourceQuota has no room for the pod.",
        "Raise the quota, or ask for less in spec.resources.",
    )
    POD_SECURITY_REFUSED = (
        "PodSecurityRefused",
        "The namespace's Pod Security level refuses the pod.",
        "Remove from spec.podTemplate what the level forbids.",
    )
    ADMISSION_REFUSED = (
        "AdmissionRefused",
        "A webhook or a policy of the cluster refuses the object.",
        "Ask its owner, or change what it refuses.",
    )
    SERVICE_ACCOUNT_MISSING = (
        "ServiceAccountMissing",
        "The ServiceAccount that spec.model.serviceAccountName names does not exist.",
        "Create it in the CR's namespace.",
    )
    CLAIM_MISSING = (
        "ClaimMissing",
        "The PersistentVolumeClaim that spec.model.storageUri names does not exist.",
        "Create it in the CR's namespace.",
    )
    POD_REFUSED = "PodRefused", "The API server refuses to create the pod.", "Correct what the message names."
    CONTAINER_CONFIG_ERROR = (
        "ContainerConfigError",
        "The kubelet cannot set the container up.",
        "Correct what the message names.",
    )
    OOM_KILLED = "OOMKilled", "The container needed more memory than its limit.", "Raise spec.resources.limits.memory."
    CRASH_LOOP = (
        "CrashLoop",
        "The container ends again and again.",
        "Read the last words in the message, then the pod's log.",
    )
    STARTUP_PROBE_FAILING = (
        "StartupProbeFailing",
        "The model was not loaded and tested within the startup time.",
        "Give it more CPU, or make the model smaller.",
    )
    TEST_REQUEST_FAILED = (
        "TestRequestFailed",
        "The model did not answer the test request as expected.",
        "Correct the model, or spec.testRequest.",
    )
    TEST_REQUEST_INVALID = (
        "TestRequestInvalid",
        "spec.testRequest does not fit the model's inputs.",
        "Correct the tensor that the message names.",
    )
    MODEL_LOAD_FAILED = (
        "ModelLoadFailed",
        "The engine cannot load the model.",
        "Log the model again; the message says what is wrong.",
    )
    TENSOR_UNSUPPORTED = (
        "TensorUnsupported",
        "The model has an input or output of a kind that cannot be served.",
        "Export the model with tensors of the datatypes that the message lists.",
    )
    EXECUTION_PROVIDER_MISSING = (
        "ExecutionProviderMissing",
        "ONNX Runtime in the image lacks an execution provider that spec.model.onnx names.",
        "Name providers that the message lists, or set an image that has it in the operator's settings.",
    )
    SESSION_OPTION_INVALID = (
        "SessionOptionInvalid",
        "ONNX Runtime refuses an option of spec.model.onnx.",
        "Correct or remove the option that the message names.",
    )
    API_KEYS_MISSING = (
        "ApiKeysMissing",
        "The Secret that spec.auth.secretName names does not exist, or holds no key that can be used.",
        "Create it in the CR's namespace with at least one entry; its values are the accepted keys.",
    )
    ARTIFACT_MISSING = "ArtifactMissing", "The artifact holds no file that can be loaded.", "Log the model again."
    CONFIG_INVALID = (
        "ConfigInvalid",
        "The runtime does not understand its configuration.",
        "Correct what the message names, else use images of the operator and of the runtime of one release.",
    )

    # The API server's no to a child
    CHILD_REFUSED = (
        "ChildRefused",
        "The API server finds a child invalid.",
        "Correct the field of the spec that it names.",
    )
    NAMESPACE_TERMINATING = "NamespaceTerminating", "The namespace is being deleted.", "Use another namespace."
    OPERATOR_FORBIDDEN = "OperatorForbidden", "The operator lacks a permission.", "Install the RBAC of this release."
    OBJECT_TOO_LARGE = (
        "ObjectTooLarge",
        "A child would be too large for the cluster.",
        "Make testRequest and podTemplate smaller.",
    )

    # UpdateAvailable
    UP_TO_DATE = "UpToDate", "The pods are as this release of the operator renders them."
    DEFAULTS_CHANGED = (
        "DefaultsChanged",
        "This release, or its settings, would render the pods differently; nothing restarts because of that.",
        "Change any pod setting (an annotation in spec.podTemplate does), or take the next model version.",
    )

    # GuestsHealthy
    GUESTS_ANSWER = "GuestsAnswer", "The shadow and every arm of the A/B test answer."
    GUEST_STANDS = "GuestStands", "A shadow or an arm of an A/B test answers, and gets its copies or its clients."
    GUEST_REPEATED = (
        "GuestRepeated",
        "An arm of the A/B test, or the shadow, means the same version with the same settings as another one.",
        "Name another version, or remove one of them.",
    )

    # ScalingActive
    METRICS_VALID = "MetricsValid", "The autoscaler reads its metrics."
    AUTOSCALER_PENDING = "AutoscalerPending", "The autoscaler has not looked yet."
    METRICS_UNAVAILABLE = (
        "MetricsUnavailable",
        "The autoscaler cannot read its metrics, so the number of replicas stays as it is.",
        "Install metrics-server, and set requests for the metric's resource in spec.resources.",
    )
    SCALING_DISABLED = (
        "ScalingDisabled",
        "Somebody scaled the Deployment to zero.",
        "Wait: the operator raises it again.",
    )
