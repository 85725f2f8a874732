"""Configuration of the environments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from heron.errors import ConfigError
from heron.messaging import check_broker
from powergrid.agents.grid_config import GridAgentConfig
from powergrid.agents.protocol_config import BetweenMicrogrids, NoProtocolConfig
from powergrid.core.config import StrictModel
from powergrid.disturbances.conditions import condition_of
from powergrid.disturbances.config import DisturbanceConfig
from powergrid.envs.timing import TimingConfig
from powergrid.powerflow.zone import V_MAX_PU, V_MIN_PU

__all__ = ["DistributionConfig", "EnvConfig", "MicrogridsConfig", "config_mapping"]


def config_mapping(where: str, config: Any) -> dict[str, Any]:
    """Return a configuration as a dict of its own, {} for None; ConfigError if it is no mapping."""
    if config is None:
        return {}
    if not isinstance(config, Mapping):
        raise ConfigError(
            f"{where} takes a mapping, got {config!r}; that of a setup is load_setup(name)"
        )
    return dict(config)


class EnvConfig(StrictModel):
    """What every grid environment understands.

    Reward and episode: `penalty` weighs safety against cost [$ per unit of violation],
    `share_reward` pays each agent the mean, `max_episode_steps` truncates, `train` chooses the
    split, `seed` starts the random generator if `reset` is never given one. `voltage_band_pu` are
    the limits of voltages that safety counts from; a narrower band trains agents to keep a margin.

    Time: `step_s` [s] is the interval between decisions, `row_s` [s] that between rows of the data,
    read by `interpolation`; `first_weekday` is row 0's (0 is Monday). Shipped series know their own
    `row_s` and weekday. `variability` adds seeded minute-scale fluctuation of sun, wind and load,
    which no forecast contains.

    Spaces: `uniform_spaces` gives all agents one observation and one action Box; `action_mode` is
    "flat" or "dict"; `forecast_steps` entries of forecast are observed, `forecast_step_s` [s]
    apart, which is a multiple of `step_s`, by default the same; `observe_bus_voltages` adds the own
    buses; `normalize_obs` scales by fixed factors.

    Event-driven runs: `timing` says how often agents tick, what is late and what gets lost; a
    synchronous step knows nothing of it.

    `disturbances` are what goes wrong in episodes, see `powergrid.disturbances.DisturbanceConfig`;
    `conditions` wake agents: a mapping with its kind, see `powergrid.disturbances.VoltageAlarm`, or
    a `powergrid.disturbances.Condition`.

    Backend: "native" steps by the engine, over arrays; "reference" agent by agent and device by
    device, by the hooks of their classes. Both give the same episodes within 1e-7.

    Messages: with `centralized` off, a step's actions go down to the devices by messages, and
    observations come through a proxy; the episodes are the same. `message_broker` is "in_memory" or
    a `heron.messaging.MessageBroker`, made if needed; environments that share one need an `env_id`
    each.

    `visibility` says what agents see: "full"; "grid", their devices and their grid, price and clock
    as they are now, but no forecast; "device", their devices only; or tags by feature, see
    `powergrid.envs.visibility`. What is hidden reads 0.

    Power flow: "native" solves the compiled network, "pandapower" by its Newton-Raphson; None is
    "native", or "pandapower" with the reference backend. What the native one does not support falls
    back to pandapower with a warning. `tolerance_mva` is the largest mismatch [p.u. of ``sn_mva``,
    which is 1 MVA in the networks of this package]; at its default both agree within 1e-7 in every
    feature. A step that does not converge gives every agent `convergence_failure_reward` less
    `penalty` times `convergence_failure_safety`, and ends the episode or not
    (`on_convergence_failure`).
    """

    backend: Literal["native", "reference"] = "native"
    power_flow: Literal["native", "pandapower"] | None = None
    tolerance_mva: float = Field(default=1e-9, gt=0.0)

    centralized: bool = True
    message_broker: Any = None
    env_id: str = Field(default="default", min_length=1)
    share_reward: bool = False
    penalty: float = Field(default=10.0, ge=0.0)
    voltage_band_pu: tuple[float, float] = (V_MIN_PU, V_MAX_PU)
    train: bool = True
    max_episode_steps: int = Field(default=24, ge=1)
    seed: int | None = Field(default=None, ge=0)

    step_s: float = Field(default=3600.0, gt=0.0)
    row_s: float = Field(default=3600.0, gt=0.0)
    first_weekday: int = Field(default=0, ge=0, le=6)
    interpolation: Literal["hold", "linear"] = "hold"
    variability: bool = False
    dataset: Any = None
    dataset_path: str | None = None

    uniform_spaces: bool = False
    action_mode: Literal["flat", "dict"] = "flat"
    observe_bus_voltages: bool = False
    normalize_obs: bool = False
    forecast_steps: int = Field(default=0, ge=0)
    forecast_step_s: float | None = Field(default=None, gt=0.0)

    on_convergence_failure: Literal["terminate", "continue"] = "terminate"
    convergence_failure_reward: float = -200.0
    convergence_failure_safety: float = Field(default=20.0, ge=0.0)

    timing: TimingConfig = Field(default_factory=TimingConfig)
    disturbances: list[DisturbanceConfig] = Field(default_factory=list)
    conditions: list[Any] = Field(default_factory=list)
    visibility: Literal["full", "grid", "device"] | dict[str, list[str]] = "full"

    render_mode: Literal["ansi", "rgb_array", "human"] | None = None

    @property
    def forecast_stride(self) -> int:
        """Steps from one entry of a forecast to the next."""
        return 1 if self.forecast_step_s is None else round(self.forecast_step_s / self.step_s)

    @property
    def forecast_dt_h(self) -> float:
        """Time from one entry of a forecast to the next [h]."""
        return self.forecast_stride * self.step_s / 3600.0

    @property
    def power_flow_name(self) -> str:
        """The power flow that is wanted, once `backend` has settled what None means."""
        if self.power_flow is None:
            return "native" if self.backend == "native" else "pandapower"
        return self.power_flow

    @field_validator("dataset")
    @classmethod
    def _dataset_is_known(cls, value: Any) -> Any:
        if value is None or isinstance(value, Mapping):
            return value
        if isinstance(value, str) and value in ("shipped", "shipped_minute"):
            return value
        got = repr(value) if isinstance(value, str) else type(value).__name__
        raise ValueError(
            f"expected a mapping of splits, 'shipped' or 'shipped_minute', got {got} (a DataFrame "
            f"goes through powergrid.data.dataset_from_frame)"
        )

    @field_validator("voltage_band_pu")
    @classmethod
    def _band_has_room(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not 0.0 <= value[0] < value[1]:
            raise ValueError(f"got {value}, expected a lower and a higher voltage [p.u.]")
        return value

    @field_validator("conditions")
    @classmethod
    def _conditions_are_known(cls, value: list[Any]) -> list[Any]:
        return [condition_of(entry) for entry in value]

    @field_validator("message_broker")
    @classmethod
    def _broker_is_known(cls, value: Any) -> Any:
        check_broker(value)
        return value

    @model_validator(mode="after")
    def _forecasts_keep_step(self) -> EnvConfig:
        if self.forecast_step_s is not None:
            steps = self.forecast_step_s / self.step_s
            if round(steps) < 1 or abs(steps - round(steps)) > 1e-9 * steps:
                raise ValueError(
                    f"forecast_step_s is {self.forecast_step_s}, expected a multiple of step_s, "
                    f"which is {self.step_s}"
                )
        return self


class DistributionConfig(StrictModel):
    """The distribution grid that microgrids are merged into.

    `load_scale` multiplies the feeder's published load, `source_vm_pu` is the voltage at its head.
    Its regulators move by line-drop compensation unless that is switched off, and its capacitors
    are off while the load multiplier is below `capacitors_off_below`.

    `protocol` says what goes on between the microgrids: "none", "p2p", "consensus", "price_signal",
    "setpoint", or a mapping with such a name and its parameters; see
    `powergrid.agents.protocol_config`.
    """

    name: str = Field(default="DSO", min_length=1)
    network: str = "ieee34"
    load_area: str | None = None
    load_scale: float = Field(default=0.5, ge=0.0)
    source_vm_pu: float = Field(default=1.04, gt=0.8, lt=1.2)
    line_drop_compensation: bool = True
    capacitors_off_below: float = Field(default=0.5, ge=0.0)
    protocol: BetweenMicrogrids = Field(default_factory=NoProtocolConfig)


class MicrogridsConfig(EnvConfig):
    """Configuration of `MultiAgentMicrogrids`: a distribution grid and its microgrids.

    Without `microgrid_configs` those of the setup ``ieee34_ieee13`` are taken.
    """

    synonyms: ClassVar[Mapping[str, str]] = {"microgrids": "microgrid_configs"}

    uniform_spaces: bool = True
    dso_config: DistributionConfig = Field(default_factory=DistributionConfig)
    microgrid_configs: list[GridAgentConfig] = Field(default_factory=list)

    @model_validator(mode="after")
    def _names_differ(self) -> MicrogridsConfig:
        names = [self.dso_config.name, *(mg.name for mg in self.microgrid_configs)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"names of grids must differ, but {', '.join(twice)} is used twice")
        return self
