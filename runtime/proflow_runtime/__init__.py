"""Runs compiled and stored designs on Inngest."""
