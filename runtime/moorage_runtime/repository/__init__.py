"""What this process serves: loading a model so that it has really answered, and the catalogue of those that have."""
