"""Internal: runs designs that are stored in the database, of all tenants, by a handful of Inngest functions."""
