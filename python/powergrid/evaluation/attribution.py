"""Which causes of timing cost a policy how much: each alone, and all together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from powergrid.baselines.batched import BatchedPolicy
from powergrid.baselines.comparison import Estimate
from powergrid.envs.config import config_mapping
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.envs.networked_grid_env import NetworkedGridEnv
from powergrid.envs.render.plotting import plain_style, require_matplotlib
from powergrid.envs.timing import TimingConfig
from powergrid.evaluation.causes import split_causes
from powergrid.evaluation.event_driven import evaluate_event_driven
from powergrid.evaluation.record import Evaluation
from powergrid.evaluation.statistics import mean_interval, paired_difference

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ALL", "NONE", "AttributionReport", "attribution_report"]

NONE, ALL = "none", "all together"
QUANTITIES = {"episode_return": "return", "cost": "cost [$]", "safety": "violations"}


@dataclass(frozen=True)
class AttributionReport:
    """What `attribution_report` found; printed, it is the table.

    Attributes
    ----------
    evaluations : dict of Evaluation
        By cause: "none" first, each cause alone, "all together" last; all of the same seeds.
    """

    evaluations: dict[str, Evaluation]

    @property
    def causes(self) -> list[str]:
        """What was switched on, all together included."""
        return [name for name in self.evaluations if name != NONE]

    def effect(self, cause: str, quantity: str = "episode_return") -> Estimate:
        """Return by how much a cause changes a quantity, with its 95 % interval, paired by seed.

        Parameters
        ----------
        cause : str
            One of `causes`.
        quantity : str
            An attribute of `Evaluation` with one value an episode: "episode_return", "cost",
            "safety", "energy_bought_mwh", ...
        """
        of = self.evaluations
        return paired_difference(getattr(of[cause], quantity), getattr(of[NONE], quantity))

    def interaction(self, quantity: str = "episode_return") -> Estimate:
        """Return what all causes together change beyond the sum of what each changes alone."""
        base = getattr(self.evaluations[NONE], quantity)
        change = {c: getattr(self.evaluations[c], quantity) - base for c in self.causes}
        together = change.pop(ALL)
        return mean_interval(together - np.sum([*change.values(), np.zeros_like(base)], axis=0))

    def table(self) -> str:
        """Return the report in Markdown: means, changes against "none", and what messages did."""
        n = len(self.evaluations[NONE].seeds)
        head = [
            "cause", *QUANTITIES.values(), "decisions", "age of information [s]", "latency [s]",
            "lost",
        ]  # fmt: skip
        lines = [_line(head), _line(["---", *(["---:"] * (len(head) - 1))])]
        for cause, found in self.evaluations.items():
            cells = [cause]
            for quantity in QUANTITIES:
                is_base = cause == NONE
                values = getattr(found, quantity)
                cells.append(
                    f"{values.mean():.2f}" if is_base else _signed(self.effect(cause, quantity))
                )
            lines.append(_line([*cells, *_messages(found)]))
        rest = [_signed(self.interaction(quantity)) for quantity in QUANTITIES]
        lines.append(_line(["beyond their sum", *rest, "", "", "", ""]))
        policy = self.evaluations[NONE].policy
        lines.append("")
        lines.append(
            f"Policy {policy}, {n} episodes. The first row has means; the others have changes "
            f"against it, paired by seed, with 95 % intervals. Age: mean and 95 % quantile at "
            f"decisions. Latency: mean and maximum from decision to effect."
        )
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.table()

    def to_frame(self) -> pd.DataFrame:
        """Return a data frame with a row for each cause: means, and changes with intervals."""
        import pandas as pd

        rows = []
        for cause, found in self.evaluations.items():
            row: dict[str, Any] = {"cause": cause, "n_episode": len(found.seeds)}
            for quantity in QUANTITIES:
                row[quantity] = getattr(found, quantity).mean()
                change = self.effect(cause, quantity)
                row |= {
                    f"{quantity}_change": change.mean,
                    f"{quantity}_low": change.low,
                    f"{quantity}_high": change.high,
                }
            row |= _message_means(found)
            rows.append(row)
        return pd.DataFrame(rows).set_index("cause")

    def plot(self, path: str | Path) -> None:
        """Draw the changes of return, cost and violations with their intervals into a file.

        Its ending says how: "png", "svg", "pdf". Needs matplotlib, the extra ``plot``.
        """
        require_matplotlib()
        import matplotlib as mpl
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        causes = self.causes
        # Text stays text, and equal figures give an equal file.
        with (
            plain_style(),
            mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "heron", "font.size": 9}),
        ):
            figure = Figure(figsize=(10.0, 1.2 + 0.32 * len(causes)), layout="constrained")
            FigureCanvasAgg(figure)
            axes = figure.subplots(1, len(QUANTITIES), sharey=True)
            for axis, (quantity, label) in zip(axes, QUANTITIES.items(), strict=True):
                effects = [self.effect(cause, quantity) for cause in causes]
                mean = np.array([effect.mean for effect in effects])
                reach = np.array([[e.mean - e.low, e.high - e.mean] for e in effects]).T
                axis.axvline(0.0, color="0.6", lw=0.8)
                axis.errorbar(mean, causes, xerr=reach, fmt="o", ms=4, capsize=3, color="C0")
                axis.set_xlabel(f"change of {label}")
                axis.grid(visible=True, axis="x", alpha=0.3)
            axes[0].invert_yaxis()
            ending = Path(path).suffix.lstrip(".").lower()
            metadata = {"Date": None} if ending == "svg" else None
            figure.savefig(path, dpi=120, metadata=metadata)


def attribution_report(
    policy: BatchedPolicy,
    config: Mapping[str, Any] | None = None,
    timing: TimingConfig | Mapping[str, Any] | None = None,
    *,
    n_seed: int | Sequence[int] = 50,
    days: Sequence[int] | None = None,
    env_class: type[NetworkedGridEnv] = MultiAgentMicrogrids,
    n_thread: int = 1,
) -> AttributionReport:
    """Play the same episodes without any cause, with each that the timing has, and with all.

    Parameters
    ----------
    policy : BatchedPolicy
        What to judge.
    config : mapping, optional
        Of the environment. A ``visibility`` that hides something is a cause too.
    timing : TimingConfig or mapping, optional
        With everything that is to be attributed; ``config["timing"]`` if not given.
    n_seed, days, env_class, n_thread
        As ``seeds`` and so on of `evaluate_event_driven`.

    Examples
    --------
    >>> from powergrid.baselines import BatchedRuleBasedPolicy
    >>> timing = {"coordinator": {"obs_delay": 7200.0}, "faults": {"loss": 0.5}}
    >>> report = attribution_report(BatchedRuleBasedPolicy(), timing=timing, n_seed=2)
    >>> report.causes
    ['observation delay', 'loss', 'all together']
    """
    plain = config_mapping("attribution_report", config)
    given = plain.pop("timing", None) if timing is None else timing
    plain.pop("timing", None)
    full = TimingConfig.model_validate({} if given is None else given)
    visible = {"visibility": plain.pop("visibility")} if "visibility" in plain else {}
    runs: dict[str, tuple[dict[str, Any], TimingConfig]] = {NONE: ({}, TimingConfig())}
    runs |= {cause: ({}, alone) for cause, alone in split_causes(full).items()}
    if visible and visible["visibility"] != "full":
        runs["visibility"] = (visible, TimingConfig())
    runs[ALL] = (visible, full)
    return AttributionReport(
        {
            cause: evaluate_event_driven(
                policy, {**plain, **more}, alone, seeds=n_seed, days=days, env_class=env_class,
                n_thread=n_thread,
            )
            for cause, (more, alone) in runs.items()
        }
    )  # fmt: skip


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _signed(change: Estimate) -> str:
    return f"{change.mean:+.2f} [{change.low:+.2f}, {change.high:+.2f}]"


def _messages(found: Evaluation) -> list[str]:
    means = _message_means(found)
    return [
        f"{means['n_decision']:.0f}",
        f"{means['age_mean_s']:.1f}, {means['age_95_s']:.1f}",
        f"{means['latency_mean_s']:.1f}, {means['latency_max_s']:.1f}",
        f"{100.0 * means['lost_share']:.1f} %",
    ]


def _message_means(found: Evaluation) -> dict[str, float]:
    """Return means over the episodes that have such a figure; NaN if none has."""
    means = {}
    for name in (
        "n_decision", "n_blind", "age_mean_s", "age_95_s", "latency_mean_s", "latency_max_s",
        "lost_share",
    ):  # fmt: skip
        values = np.asarray(getattr(found, name), np.float64)
        known = values[~np.isnan(values)]
        means[name] = float(known.mean()) if len(known) else np.nan
    means["latency_max_s"] = float(found.latency_max_s.max())
    return means
