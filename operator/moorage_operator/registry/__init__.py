"""What a storageUri means today: asked of an MLflow server by plain REST, remembered, and watched where it may move."""
