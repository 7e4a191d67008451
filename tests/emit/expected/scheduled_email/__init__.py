"""The workflows compiled by proflow, and all their Inngest functions."""

from . import scheduled_email

FUNCTIONS = [*scheduled_email.FUNCTIONS]
