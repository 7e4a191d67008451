"""Compiles designs drawn in ProFlow: validates, checks, lowers, emits."""
