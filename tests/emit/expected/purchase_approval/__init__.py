"""The workflows compiled by proflow, and all their Inngest functions."""

from . import purchase_approval

FUNCTIONS = [*purchase_approval.FUNCTIONS]
