"""The workflows compiled by proflow, and all their Inngest functions."""

from . import design

FUNCTIONS = [*design.FUNCTIONS]
