"""The way to other revisions, in HTTP/1.1: kept connections, raw bytes, and no look at what they carry."""
