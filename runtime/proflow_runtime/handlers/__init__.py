"""Internal: handlers: what nodes do. The user's own, and the built-in ones."""
