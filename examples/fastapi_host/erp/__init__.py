"""A small ERP of many tenants, whose approvals are drawn in ProFlow."""
