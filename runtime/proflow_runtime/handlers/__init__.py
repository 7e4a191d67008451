"""Internal: handlers, which do the work of nodes: the registry of the host's, and the built-in ones."""
