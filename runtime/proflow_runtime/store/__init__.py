"""What is kept in the database: designs, runs, approvals, tasks. Every row is a tenant's."""
