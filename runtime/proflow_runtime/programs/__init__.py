"""Internal: turns definitions and generated modules into Inngest functions."""
