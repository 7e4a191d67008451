"""Internal: fixes of diagnostics: how they are written, proven, applied to texts and to files."""
