"""The model of crons: which ticks have started their runs."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model

from proflow_runtime.store.models.texts import ShortText


class CronRow(Model):
    """A cron in a time zone, of all tenants; `tick` is the last one whose runs were handed over."""

    key = ShortText(max_length=300, primary_key=True)
    tick = fields.DatetimeField()

    class Meta:
        table = "proflow_crons"
        app = "proflow"
