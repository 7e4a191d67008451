"""Internal: Inngest's own formats, as its server implements them: CEL, Go's JSON, the wire format.

Production code may import this package, unlike `local`, which is for one machine and for tests.
"""
