"""A message published and consumed: the core's broker, its Python face, and a dict of deques."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from peers import DequeBroker

from heron.messaging import ChannelManager, InMemoryBroker, Message, MessageType
from speed.measure import Case, Measurement, check_equal, take_turns, timed
from speed.native import NativeProgram

__all__ = ["BROKER", "DEQUES", "IN_MEMORY", "measure_messages"]

N_QUEUE = 64
LAG = N_QUEUE // 2  # messages that wait
BROKER = "MessageBroker in C++"
IN_MEMORY = "InMemoryBroker"
IN_MEMORY_REFERENCE = 'InMemoryBroker(backend="reference")'
DEQUES = "dict of collections.deque"


def measure_messages(program: Path, share: float, n_turn: int) -> list[Measurement]:
    """Time a message from publish to consume; the order is checked before."""
    key: dict[str, int | str] = {"n": N_QUEUE, "jitter": "none"}
    with NativeProgram(program, "broker", N_QUEUE) as native:
        cases = [
            Case(BROKER, key, native.run, int(share * 2_000_000)),
            Case(IN_MEMORY, key, timed(_work(InMemoryBroker())), int(share * 100_000)),
            Case(
                IN_MEMORY_REFERENCE,
                key,
                timed(_work(InMemoryBroker(backend="reference"))),
                int(share * 40_000),
            ),
            Case(DEQUES, key, timed(_work(DequeBroker())), int(share * 200_000)),
        ]
        return take_turns("message", cases, n_turn)


def _work(broker: Any) -> Callable[[int], int]:
    """Publish message i to recipient i, while the recipient of message i - LAG fetches it."""
    names = [f"agent_{i}" for i in range(N_QUEUE)]
    channels = [ChannelManager.action_channel("system", name, "env") for name in names]
    _check_order(broker, channels, names)
    # Made beforehand: making a message costs the same whoever carries it.
    messages = [Message("env", "system", name, 0.0, MessageType.ACTION, {}) for name in names]
    for i in range(LAG):
        broker.publish(channels[i], messages[i])
    n_published = LAG

    def work(n_message: int) -> int:
        nonlocal n_published
        n_done = 0
        for i in range(n_published, n_published + n_message):
            to = i % N_QUEUE
            broker.publish(channels[to], messages[to])
            reader = (i - LAG) % N_QUEUE
            n_done += broker.consume(channels[reader], names[reader], "env") == [messages[reader]]
        n_published += n_message
        return n_done

    return work


def _check_order(broker: Any, channels: list[str], names: list[str]) -> None:
    """Check that each recipient gets all of its own messages, oldest first, and once."""
    for number in range(3):
        for channel, name in zip(channels, names, strict=True):
            payload = {"number": number}
            broker.publish(
                channel, Message("env", "system", name, 0.0, MessageType.ACTION, payload)
            )
    for channel, name in zip(channels, names, strict=True):
        got = [(m.recipient_id, m.payload["number"]) for m in broker.consume(channel, name, "env")]
        check_equal(got, [(name, number) for number in range(3)], "messages in order")
        check_equal(broker.consume(channel, name, "env"), [], "messages left")
