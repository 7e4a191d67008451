"""Internal: finds out which of the fixes that diagnostics offer solve their problem."""
