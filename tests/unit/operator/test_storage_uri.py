from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage_operator.api.storage_uri import FIELD, RULES, S3, Claim, Registered, StorageUri, parse_storage_uri
from moorage_operator.errors import SpecFault


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("models:/fraud/3", Registered("fraud", version="3")),
        ("models:/fraud@champion", Registered("fraud", alias="champion")),
        ("models:/fraud/Staging", Registered("fraud", stage="Staging")),
        ("models:/fraud/None", Registered("fraud", stage="None")),
        ("models:/Betrug und Müll/10", Registered("Betrug und Müll", version="10")),
        ("s3://models", S3("models")),
        ("s3://models/", S3("models")),
        ("s3://models/a/b c/1/", S3("models", "a/b c/1")),
        ("s3://models/a@b:c..d", S3("models", "a@b:c..d")),
        ("pvc://claim", Claim("claim")),
        ("pvc://claim.of.us/a/b/", Claim("claim.of.us", "a/b")),
    ],
)
def test_reads(text: str, meant: StorageUri) -> None:
    assert parse_storage_uri(text) == meant


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "http://169.254.169.254/",
            "spec.model.storageUri must start with models:/, s3:// or pvc://, for example models:/fraud@champion, "
            "s3://models/fraud/1 or pvc://claim/fraud.",
        ),
        (
            "s3://me:secret@models/a",
            "spec.model.storageUri must not carry credentials (user:password@); put them into a Secret and name it in "
            "spec.model.secretName.",
        ),
        (
            "pvc://claim/../other",
            "spec.model.storageUri must not contain '.' or '..' as a path segment; write the path that is meant.",
        ),
        (
            "models:/fraud/latest",
            "spec.model.storageUri must be models:/NAME/VERSION (3), models:/NAME@ALIAS (champion) or "
            "models:/NAME/STAGE (Staging, Production, Archived or None).",
        ),
        (
            "s3://models/a\n",
            "spec.model.storageUri must not contain a query (?), a fragment (#), a backslash or a control character; "
            "remove it.",
        ),
    ],
)
def test_says_what_to_do(text: str, message: str) -> None:
    with pytest.raises(SpecFault) as refused:
        parse_storage_uri(text)
    assert (refused.value.reason, refused.value.message) == ("InvalidStorageUri", message)


def test_never_repeats_a_password() -> None:
    with pytest.raises(SpecFault) as refused:
        parse_storage_uri("s3://me:hunter2@models/a")
    assert "hunter2" not in str(refused.value)


@given(st.text(alphabet="amodels3pvc:/@.-?#\\ \n\x00Ü1", max_size=40) | st.text(max_size=40))
def test_parses_exactly_what_all_rules_admit(text: str) -> None:
    if all(rule.holds(text) for rule in RULES):
        assert parse_storage_uri(text)
    else:
        with pytest.raises(SpecFault, match=f"^InvalidStorageUri: {FIELD} must "):
            parse_storage_uri(text)


@given(
    st.sampled_from(["models:/", "s3://", "pvc://"]),
    st.lists(st.sampled_from(["fraud", "..", ".", "", "3", "Staging", "@", ":", "a b"]), max_size=6),
)
def test_a_parsed_path_never_climbs(scheme: str, segments: list[str]) -> None:
    try:
        meant = parse_storage_uri(scheme + "/".join(segments))
    except SpecFault:
        return
    path = meant.prefix if isinstance(meant, S3) else meant.path if isinstance(meant, Claim) else meant.name
    assert not {"..", "."} & set(path.split("/"))
    assert path == path.strip("/")
