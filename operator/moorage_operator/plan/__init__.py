"""Plan: desired objects and live ones in, the writes that are needed out."""
