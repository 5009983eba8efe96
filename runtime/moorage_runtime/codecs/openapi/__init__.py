"""The HTTP doors described as OpenAPI 3.1, exact to the model: its features, types, bounds and examples."""
