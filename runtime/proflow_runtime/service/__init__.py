"""Stored designs as a service: what a host mounts, and what `proflow serve` serves."""
