"""The nouns: the custom resource as frozen models, and the records that cross from room to room."""
