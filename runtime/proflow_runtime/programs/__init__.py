"""Internal: from a definition or a generated module to Inngest functions."""
