"""The protocols as their own files tell them, and what protoc makes of these."""
