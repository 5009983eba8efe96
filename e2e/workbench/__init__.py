"""The development environment: one virtual environment under .local/venv, exactly as locks/dev.txt says."""
