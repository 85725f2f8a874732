"""When disturbances come, how long they last, and what they strike."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from heron.errors import ConfigError
from powergrid.disturbances.config import DisturbanceConfig
from powergrid.disturbances.schedule import DisturbanceSchedule, LaneEvents
from powergrid.disturbances.targets import Target
from powergrid.reference.disturbances import draw_events

DAY_S = 86400.0
N_LINE = 7


class Lines:
    """A catalog of lines alone."""

    def targets(self, kind: str, names: Any) -> list[Target]:
        every = [Target(kind, f"line {k}", "line", k, k) for k in range(N_LINE)]
        if names is None:
            return every
        if any(not isinstance(name, int) for name in names):
            raise ConfigError(f"{kind}: lines have numbers")
        return [every[name] for name in names]


def schedule(*entries: dict[str, Any], horizon_s: float = DAY_S) -> DisturbanceSchedule:
    configs = [DisturbanceConfig.model_validate(entry) for entry in entries]
    return DisturbanceSchedule(configs, Lines(), horizon_s)  # type: ignore[arg-type]


def outages(**entries: Any) -> dict[str, Any]:
    return {"kind": "line_outage", **entries}


durations = st.one_of(
    st.floats(1.0, 1e5),
    st.floats(1.0, 1e5).map(lambda mean_s: {"mean_s": mean_s}),
    st.tuples(st.floats(0.0, 1e4), st.floats(0.0, 1e5)).map(
        lambda ends: {
            "distribution": "uniform", "low_s": ends[0], "high_s": ends[0] + ends[1] + 1.0
        }
    ),
)  # fmt: skip
series = st.fixed_dictionaries(
    {
        "kind": st.just("load_spike"),
        "rate_per_h": st.floats(1e-3, 5.0),
        "duration_s": durations,
        "targets": st.lists(st.integers(0, N_LINE - 1), min_size=1, max_size=N_LINE, unique=True),
        "size": st.tuples(st.floats(0.0, 2.0), st.floats(2.0, 3.0)),
    }
)
seeds = st.integers(0, 2**63 - 1)


@settings(max_examples=60)
@given(st.lists(series, min_size=1, max_size=3), st.lists(seeds, min_size=1, max_size=5))
def test_lanes_draw_what_the_reference_draws_bit_for_bit(entries: list[Any], seed: Any) -> None:
    planned = schedule(*entries)
    n_lane = len(seed) + 2
    lanes = np.random.default_rng(0).permutation(n_lane)[: len(seed)].astype(np.intp)
    drawn = LaneEvents(planned.series, n_lane)
    drawn.draw(lanes, np.array(seed, np.uint64), DAY_S)
    for lane, of_lane in zip(lanes.tolist(), seed, strict=True):
        for s, one in enumerate(planned.series):
            n, first = drawn.n_event[s, lane], drawn.begin[s]
            places = slice(first, first + n)
            found = list(
                zip(
                    drawn.start_s[places, lane].tolist(), drawn.end_s[places, lane].tolist(),
                    drawn.struck[places, lane].tolist(), drawn.size[places, lane].tolist(),
                    strict=True,
                )
            )  # fmt: skip
            assert found == draw_events(one, of_lane, DAY_S)
        events = planned.events(of_lane)
        assert (np.diff(events.start_s) >= 0.0).all()
        assert len(events.start_s) == sum(
            len(draw_events(one, of_lane, DAY_S)) for one in planned.series
        )
    untouched = np.setdiff1d(np.arange(n_lane), lanes)
    assert not drawn.n_event[:, untouched].any()


def test_another_series_leaves_those_before_it_as_they_were() -> None:
    first = outages(rate_per_h=1.0, duration_s=600.0)
    alone, together = schedule(first), schedule(first, outages(rate_per_h=3.0, duration_s=60.0))
    assert draw_events(alone.series[0], 5, DAY_S) == draw_events(together.series[0], 5, DAY_S)
    times = [draw_events(one, 5, DAY_S)[0][0] for one in together.series]
    assert times[0] != times[1]


def test_arrivals_are_poisson_and_durations_as_configured() -> None:
    planned = schedule(
        outages(rate_per_h=0.5, duration_s={"mean_s": 1800.0}),
        outages(
            rate_per_h=0.5,
            duration_s={"distribution": "uniform", "low_s": 100.0, "high_s": 300.0},
            targets=[1, 4],
        ),
        {"kind": "load_spike", "rate_per_h": 0.5, "duration_s": 60.0, "size": [0.5, 1.5]},
    )
    n_lane = 3000
    drawn = LaneEvents(planned.series, n_lane)
    drawn.draw(np.arange(n_lane), np.arange(n_lane, dtype=np.uint64), DAY_S)
    values: list[dict[str, np.ndarray]] = []
    for s in range(3):
        first = drawn.begin[s]
        used = np.arange(drawn.begin[s + 1] - first)[:, np.newaxis] < drawn.n_event[s]
        places = slice(first, drawn.begin[s + 1])
        values.append(
            {
                name: getattr(drawn, name)[places][used]
                for name in ("start_s", "end_s", "struck", "size")
            }
        )
    count = drawn.n_event[0]
    assert count.mean() == pytest.approx(12.0, abs=0.25)
    assert count.var() == pytest.approx(12.0, abs=1.0)
    # In a Poisson process they are anywhere alike.
    assert stats.kstest(values[0]["start_s"] / DAY_S, "uniform").pvalue > 1e-3
    lasted = [of["end_s"] - of["start_s"] for of in values]
    assert stats.kstest(lasted[0] / 1800.0, "expon").pvalue > 1e-3
    assert stats.kstest((lasted[1] - 100.0) / 200.0, "uniform").pvalue > 1e-3
    assert lasted[2] == pytest.approx(60.0)
    struck = [planned.targets[row].element for row in np.unique(values[1]["struck"])]
    assert struck == [1, 4]
    share = (values[1]["struck"] == values[1]["struck"].min()).mean()
    assert share == pytest.approx(0.5, abs=0.01)
    assert len(np.unique(values[0]["struck"])) == N_LINE
    assert stats.kstest(values[2]["size"] - 0.5, "uniform").pvalue > 1e-3


def test_a_scripted_one_strikes_all_its_targets_in_every_episode() -> None:
    planned = schedule(
        outages(at_s=600.0, duration_s=60.0, targets=[3, 1]), outages(at_s=10.0, target=2)
    )
    for seed in (0, 7):
        events = planned.events(seed)
        assert events.start_s.tolist() == [10.0, 600.0, 600.0]
        assert events.end_s.tolist() == [math.inf, 660.0, 660.0]
        assert [planned.targets[row].element for row in events.row] == [2, 3, 1]
        assert events.size.tolist() == [1.0, 1.0, 1.0]
    assert [target.element for target in planned.targets] == [1, 2, 3]
    assert planned.kinds == ("line_outage",)


def test_communication_outages_are_told_by_sender() -> None:
    planned = schedule(
        {"kind": "communication_outage", "at_s": 30.0, "duration_s": 5.0, "targets": [2]},
        outages(at_s=10.0),
    )
    told = planned.communication_outages(planned.events(0))
    assert told == [(30.0, 35.0, "line 2")]


def test_a_wrong_target_is_named_with_its_place() -> None:
    with pytest.raises(ConfigError, match=r"disturbances.1: line_outage: lines have numbers"):
        schedule(outages(at_s=0.0), outages(at_s=0.0, target="x"))
