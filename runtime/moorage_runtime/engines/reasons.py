"""Every reason for which a fetched model is not served; `docs/runtime.md` lists them with their cures."""

from __future__ import annotations

ARTIFACT_MISSING = "ArtifactMissing"
EXECUTION_PROVIDER_MISSING = "ExecutionProviderMissing"
MODEL_LOAD_FAILED = "ModelLoadFailed"
SESSION_OPTION_INVALID = "SessionOptionInvalid"
TENSOR_UNSUPPORTED = "TensorUnsupported"
TEST_REQUEST_INVALID = "TestRequestInvalid"
TEST_REQUEST_FAILED = "TestRequestFailed"
