"""The doors: thin servers that only translate between a transport and the data plane."""
