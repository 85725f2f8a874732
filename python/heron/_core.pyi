"""Types of the compiled core of heron."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from heron.messaging.faults import MessageFaults
from heron.scheduling.tick_config import TickConfig

# time_s, priority, sequence, type, is_periodic, lane, agent, payload
_TickEvent: TypeAlias = tuple[float, int, int, int, bool, int, int, int]
# channel, env, sender, recipient, type, time_s, payload
_Message: TypeAlias = tuple[int, int, int, int, int, float, Any]

def random_bits(seed: int, lane: int, agent: int, stream: int, draw: int) -> int:
    """Return draw number `draw` of a stream: `heron.reference.random.random_bits`."""

def to_uniform(bits: int) -> float:
    """Return a number in [0, 1): `heron.reference.random.to_uniform`."""

def to_normal(bits: int) -> float:
    """Return a standard normal number: `heron.reference.random.to_normal`."""

class EventQueue:
    """Hold future events in the total order (time, priority, sequence), compiled.

    Behaves as `heron.reference.event_queue.EventQueue`, which documents every method. Arrays must
    have exactly the dtype given here and be C-contiguous: anything else is a TypeError. Batch
    calls release the GIL, so one queue must not be used by two threads at once. Priorities are
    32-bit and payloads 64-bit integers; one that does not fit is a TypeError.
    """

    def __init__(self, start_time_s: float = 0.0) -> None: ...
    def push(self, time_s: float, priority: int = 0, payload: int = 0) -> int: ...
    def push_batch(
        self,
        time_s: NDArray[np.float64],
        priority: NDArray[np.int32],
        payload: NDArray[np.int64],
    ) -> NDArray[np.uint64]: ...
    def cancel(self, handle: int) -> bool: ...
    def is_pending(self, handle: int) -> bool: ...
    def peek(self) -> tuple[float, int, int, int] | None: ...
    def pop(self) -> tuple[float, int, int, int] | None: ...
    def pop_until(
        self, t_end_s: float, max_events: int | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.uint64], NDArray[np.int64]]: ...
    def clear(self) -> None: ...
    def reset(self, start_time_s: float = 0.0) -> None: ...
    def reserve(self, n_event: int) -> None: ...
    def __len__(self) -> int: ...
    @property
    def now_s(self) -> float: ...

class TickScheduler:
    """Let agents tick at jittered intervals, in many lanes at once, compiled.

    Behaves as `heron.reference.tick_scheduler.TickScheduler`, which documents every method, with
    plain tuples for events. Calls over all lanes release the GIL, so one scheduler must not be
    used by two threads at once.
    """

    def __init__(self, n_lane: int = 1, seed: int = 0, start_time_s: float = 0.0) -> None: ...
    def register_agent(
        self, config: TickConfig, first_tick_s: float | None = None, tick_priority: int = 0
    ) -> int: ...
    def register_again(
        self,
        agent: int,
        config: TickConfig,
        first_tick_s: float | None = None,
        tick_priority: int = 0,
    ) -> None: ...
    def unregister_agent(self, agent: int) -> None: ...
    def is_registered(self, agent: int) -> bool: ...
    def agents(self) -> list[int]: ...
    def set_surfacing(self, agent: int, is_surfacing: bool) -> None: ...
    def schedule(
        self,
        lane: int,
        time_s: float,
        type: int,
        agent: int = -1,
        priority: int = 0,
        payload: int = 0,
    ) -> int: ...
    def schedule_batch(
        self,
        lane: NDArray[np.int32],
        time_s: NDArray[np.float64],
        type: int,
        agent: NDArray[np.int32],
        priority: int,
        payload: NDArray[np.int64],
    ) -> None: ...
    def cancel(self, lane: int, handle: int) -> bool: ...
    def draw_s(self, lane: int, agent: int, stream: int) -> float: ...
    def draw_batch(
        self, stream: int, lane: NDArray[np.int32], agent: NDArray[np.int32]
    ) -> NDArray[np.float64]: ...
    def next(self, lane: int, t_end_s: float = ...) -> _TickEvent | None: ...
    def peek(self, lane: int) -> _TickEvent | None: ...
    def is_live(self, event: _TickEvent) -> bool: ...
    def finish(self, event: _TickEvent) -> None: ...
    def run_until(self, lane: int, t_end_s: float, max_events: int | None = None) -> int: ...
    def run_all_until(self, t_end_s: float, n_thread: int = 1) -> int: ...
    def set_surfacing_type(self, type: int, is_surfacing: bool) -> None: ...
    def next_due(
        self, t_end_s: float, n_thread: int = 1
    ) -> tuple[
        NDArray[np.int32],
        NDArray[np.int32],
        NDArray[np.float64],
        NDArray[np.uint8],
        NDArray[np.int64],
    ]: ...
    def clear(self, lane: int) -> None: ...
    def reset(self, lane: int, start_time_s: float = 0.0) -> None: ...
    def seed_lane(self, lane: int, seed: int, lane_key: int) -> None: ...
    @property
    def n_lane(self) -> int: ...
    def now_s(self, lane: int) -> float: ...
    def n_pending(self, lane: int) -> int: ...
    def n_processed(self, lane: int) -> int: ...

class MessageBroker:
    """Keep unread messages in bounded queues, compiled.

    Behaves as `heron.reference.message_broker.MessageBroker`, which documents every method, with
    plain tuples for messages. Payloads are any objects; the broker holds one reference to each.
    Numbers of channels, environments and agents are 32-bit integers; one that does not fit is a
    TypeError.
    """

    def __init__(self, capacity: int = 1024, policy: str = "drop_oldest") -> None: ...
    def intern_channel(self, name: str) -> int: ...
    def find_channel(self, name: str) -> int | None: ...
    def channel_name(self, channel: int) -> str: ...
    @property
    def n_channel(self) -> int: ...
    def configure_channel(self, channel: int, capacity: int, policy: str) -> None: ...
    def publish(
        self,
        channel: int,
        env: int,
        sender: int,
        recipient: int,
        type: int,
        time_s: float,
        payload: Any,
    ) -> bool: ...
    def consume(
        self,
        channel: int,
        recipient: int,
        env: int,
        clear: bool = True,
        max_messages: int | None = None,
    ) -> list[_Message]: ...
    def consume_payloads(
        self, channel: int, recipient: int, env: int, clear: bool = True
    ) -> list[Any]: ...
    def n_unread(self, channel: int, recipient: int, env: int) -> int: ...
    def __len__(self) -> int: ...
    def unread(self) -> list[_Message]: ...
    def clear_environment(self, env: int) -> int: ...
    def environment_channels(self, env: int) -> list[int]: ...
    def counters(self) -> dict[str, int]: ...

def message_fate(
    faults: MessageFaults | None,
    seed: int,
    lane_key: int,
    sender: int,
    message: int,
    time_s: float,
) -> tuple[int, tuple[bool, bool], tuple[float, float], bool, bool]:
    """Return what befalls a message: `heron.reference.message_faults.message_fate`."""

class MessageCourier:
    """Carry messages from a scheduler's agents to a broker, compiled.

    Behaves as `heron.reference.message_courier.MessageCourier`, which documents every method. It
    keeps its scheduler and its broker alive.
    """

    def __init__(
        self,
        scheduler: TickScheduler,
        broker: MessageBroker,
        faults: MessageFaults | None = None,
        seed: int = 0,
        delivery_priority: int = 1,
    ) -> None: ...
    def send(
        self,
        lane: int,
        channel: int,
        sender: int,
        recipient: int,
        type: int,
        payload: Any,
        delay_s: float | None = None,
    ) -> int: ...
    def deliver(self, event: _TickEvent) -> bool: ...
    def attach(self) -> None: ...
    def clear(self, lane: int) -> None: ...
    def seed_lane(self, lane: int, seed: int, lane_key: int) -> None: ...
    def n_in_flight(self, lane: int) -> int: ...
    def counters(self, lane: int) -> dict[str, int]: ...
