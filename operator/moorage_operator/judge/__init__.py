"""Judge: what a person is told. One file per condition, each a chain of named checks."""
