"""Artifacts in an S3 bucket: listed, then read by ranges that insist on the listed ETag."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from moorage_runtime.config import Source
from moorage_runtime.storage.s3_faults import faults
from moorage_runtime.storage.store import Entry

CHUNK = 1 << 20
PARTIAL_CONTENT = 206


class S3Store:
    """One prefix (or one key) of one bucket. Makes each call once: trying again is the caller's business."""

    def __init__(self, bucket: str, prefix: str, client: Any) -> None:
        self._bucket = bucket
        self._prefix = prefix.strip("/")
        self._client = client

    def entries(self) -> Iterator[Entry]:
        """The objects below the prefix; when there are none, the object whose key is the prefix."""
        below = f"{self._prefix}/" if self._prefix else ""
        empty = True
        for entry in self._list(below):
            empty = False
            yield entry
        if empty and self._prefix:
            yield self._single()

    def fetch(self, entry: Entry, part: Path) -> None:
        """Append the missing range; an object that changed since the listing is refused by its ETag."""
        offset = part.stat().st_size
        if offset == entry.size:
            return
        wanted = {"Range": f"bytes={offset}-"} if offset else {}
        with faults(self._bucket, entry.key), part.open("ab") as into:
            answer = self._client.get_object(Bucket=self._bucket, Key=entry.key, IfMatch=entry.tag, **wanted)
            if answer["ResponseMetadata"]["HTTPStatusCode"] != PARTIAL_CONTENT:
                into.truncate(0)
            for chunk in answer["Body"].iter_chunks(CHUNK):
                into.write(chunk)

    def _list(self, below: str) -> Iterator[Entry]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=below)
        with faults(self._bucket, self._prefix):
            for page in pages:
                for item in page.get("Contents", ()):
                    if not item["Key"].endswith("/"):
                        yield Entry(
                            path=item["Key"][len(below) :], size=item["Size"], tag=item["ETag"], key=item["Key"]
                        )

    def _single(self) -> Entry:
        with faults(self._bucket, self._prefix):
            head = self._client.head_object(Bucket=self._bucket, Key=self._prefix)
        name = self._prefix.rpartition("/")[2]
        return Entry(path=name, size=head["ContentLength"], tag=head["ETag"], key=self._prefix)


def connect(source: Source, credentials: Mapping[str, str]) -> Any:
    """A boto3 client for the source's endpoint, with `credentials` by their AWS names, else boto3's own chain.

    The chain stops short of the node's instance metadata: a pod must not read models with the node's rights.
    """
    import boto3
    from botocore.config import Config

    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    return boto3.client(
        "s3",
        endpoint_url=source.endpoint,
        region_name=source.region or "us-east-1",
        verify=source.ca_file,
        aws_access_key_id=credentials.get("AWS_ACCESS_KEY_ID"),
        aws_secret_access_key=credentials.get("AWS_SECRET_ACCESS_KEY"),
        aws_session_token=credentials.get("AWS_SESSION_TOKEN"),
        config=Config(
            connect_timeout=source.connect_timeout_seconds,
            read_timeout=source.read_timeout_seconds,
            retries={"total_max_attempts": 1, "mode": "standard"},
            s3={"addressing_style": "path" if source.endpoint else "auto"},
            signature_version="s3v4",
            ignore_configured_endpoint_urls=True,
            max_pool_connections=4,
        ),
    )
