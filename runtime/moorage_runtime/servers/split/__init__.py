"""Which of a pod's requests another revision answers, and who answers when that one does not."""
