"""What clients rely on in a model, and whether another version still keeps it. Pure."""
