"""What Prometheus is told: plain integers and lists that the hot path touches, written as text when scraped."""
