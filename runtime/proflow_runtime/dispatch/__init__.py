"""Internal: runs the designs of all tenants that are stored in the database.

A few Inngest functions serve all designs: one for each event and each cron that starts runs
(`starting`, `crons`), the interpreter that performs the runs (`running`), and one that closes runs
that Inngest has ended (`closing`). `deployment` creates and deploys these functions.
"""
