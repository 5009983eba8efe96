"""Moorage's runtime: fetches one model, warms it up, answers predictions and says honestly when it can."""
