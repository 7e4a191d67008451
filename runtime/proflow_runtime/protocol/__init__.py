"""Internal: what is Inngest's own, as its server does it: CEL matching, Go's JSON, the wire format.

Production code may import it; `local`, which builds an engine on it, is for one machine and for tests.
"""
