"""What a policy is worth under realistic timing, and which of its causes it suffers from."""

from __future__ import annotations

from powergrid.evaluation.attribution import AttributionReport, attribution_report
from powergrid.evaluation.causes import split_causes
from powergrid.evaluation.event_driven import evaluate_event_driven
from powergrid.evaluation.record import Evaluation
from powergrid.evaluation.statistics import mean_interval, paired_difference

__all__ = [
    "AttributionReport",
    "Evaluation",
    "attribution_report",
    "evaluate_event_driven",
    "mean_interval",
    "paired_difference",
    "split_causes",
]
