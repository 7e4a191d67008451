"""Internal: what mends a diagnostic, shared by the rules: edits of the drawing and of expressions."""
