"""The workflows compiled by proflow, and all their Inngest functions."""

from . import wait_for_payment

FUNCTIONS = [*wait_for_payment.FUNCTIONS]
