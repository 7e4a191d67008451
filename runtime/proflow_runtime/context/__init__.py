"""Internal: the context of a run: its time, its tenant, its time zone, and the installed extras."""
