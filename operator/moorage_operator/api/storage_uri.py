"""What `spec.model.storageUri` may say: one grammar for the CRD (`Rule.cel`) and the operator (`parse_storage_uri`).

models:/NAME/VERSION    models:/NAME@ALIAS    models:/NAME/STAGE
s3://BUCKET[/PREFIX]    pvc://CLAIM[/PATH]

The patterns stay inside what Python's `re` and Go's RE2 read alike: no look-around, no named classes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from moorage_operator.api.conditions import Reason
from moorage_operator.errors import SpecFault

FIELD = "spec.model.storageUri"
MAX_LENGTH = 1024

_NAME_EDGE = r"[^ /:@?#%\\\x00-\x1f\x7f-\x9f]"
_NAME = rf"{_NAME_EDGE}([^/:@?#%\\\x00-\x1f\x7f-\x9f]{{0,253}}{_NAME_EDGE})?"
_SEGMENTS = r"(/[^/?#\\\x00-\x1f\x7f-\x9f]+)*/?"
_STAGE = "Staging|Production|Archived|None"
_VERSION = "[1-9][0-9]{0,9}"
_ALIAS = "[A-Za-z0-9_-]{1,255}"
_BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
_CLAIM = r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?"

_SCHEME = "^(models:/[^/]|s3://|pvc://)"
_CREDENTIALS = r"^[a-z0-9]+:/+[^/]*:[^/]*@"
_FORBIDDEN = r"[?#\\\x00-\x1f\x7f-\x9f]"
_DOTS = r"(:|/)\.{1,2}(/|@|$)"
_MODELS = f"^models:/({_NAME})(/({_VERSION})|/({_STAGE})|@({_ALIAS}))$"
_S3 = f"^s3://({_BUCKET})({_SEGMENTS})$"
_PVC = f"^pvc://({_CLAIM})({_SEGMENTS})$"


@dataclass(frozen=True, slots=True)
class Rule:
    """One demand on the text.

    `pattern`: must be found in every text that starts with `scheme`; `forbids`: must not be found. `message` names the
    cure and follows the field's name.
    """

    pattern: str
    message: str
    forbids: bool = False
    scheme: str = ""

    @property
    def cel(self) -> str:
        """The same demand as a CEL rule on `self`."""
        matches = f"self.matches(r'{self.pattern}')"
        if self.forbids:
            return f"!{matches}"
        return f"!self.startsWith('{self.scheme}') || {matches}" if self.scheme else matches

    def holds(self, text: str) -> bool:
        """Whether the text meets this demand."""
        if self.forbids:
            return re.search(self.pattern, text) is None
        return not text.startswith(self.scheme) or re.search(self.pattern, text) is not None


RULES = (
    Rule(
        _CREDENTIALS,
        "must not carry credentials (user:password@); put them into a Secret and name it in spec.model.secretName",
        forbids=True,
    ),
    Rule(
        _SCHEME,
        "must start with models:/, s3:// or pvc://, for example models:/fraud@champion, s3://models/fraud/1 or "
        "pvc://claim/fraud",
    ),
    Rule(
        _FORBIDDEN,
        "must not contain a query (?), a fragment (#), a backslash or a control character; remove it",
        forbids=True,
    ),
    Rule(_DOTS, "must not contain '.' or '..' as a path segment; write the path that is meant", forbids=True),
    Rule(
        _MODELS,
        "must be models:/NAME/VERSION (3), models:/NAME@ALIAS (champion) or models:/NAME/STAGE (Staging, Production, "
        "Archived or None)",
        scheme="models:/",
    ),
    Rule(
        _S3,
        "must be s3://BUCKET or s3://BUCKET/PREFIX; a bucket has 3 to 63 lower-case letters, digits, '.' and '-', and "
        "a prefix has no empty segment",
        scheme="s3://",
    ),
    Rule(
        _PVC,
        "must be pvc://CLAIM or pvc://CLAIM/PATH; a claim is a PersistentVolumeClaim of this namespace, and a path has "
        "no empty segment",
        scheme="pvc://",
    ),
)


@dataclass(frozen=True, slots=True)
class Registered:
    """A model of the registry: exactly one of `version`, `alias` and `stage` is set."""

    name: str
    version: str | None = None
    alias: str | None = None
    stage: str | None = None


@dataclass(frozen=True, slots=True)
class S3:
    """Objects of an S3 store. `prefix`: without slashes at its ends, empty for the whole bucket."""

    bucket: str
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """A folder of a PersistentVolumeClaim. `path`: without slashes at its ends, empty for the whole volume."""

    claim: str
    path: str = ""


StorageUri = Registered | S3 | Claim


def parse_storage_uri(text: str) -> StorageUri:
    """Read a storageUri. Raises SpecFault, naming the field and the cure, on everything that the CRD refuses."""
    for rule in RULES:
        if not rule.holds(text):
            raise SpecFault(Reason.INVALID_STORAGE_URI, f"{FIELD} {rule.message}.")
    if found := re.fullmatch(_MODELS, text):
        return Registered(found[1], version=found[4], stage=found[5], alias=found[6])
    if found := re.fullmatch(_S3, text):
        return S3(found[1], found[2].strip("/"))
    if found := re.fullmatch(_PVC, text):
        return Claim(found[1], found[3].strip("/"))
    raise SpecFault(Reason.INVALID_STORAGE_URI, f"{FIELD} is not understood.")
