"""Names of channels."""

from __future__ import annotations

import pytest

from heron.messaging import ChannelManager, Message, MessageType


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (ChannelManager.action_channel("DSO", "MG1"), "env_default__action__DSO_to_MG1"),
        (ChannelManager.action_channel("DSO", "MG1", "e"), "env_e__action__DSO_to_MG1"),
        (ChannelManager.info_channel("MG1", "DSO", "e"), "env_e__info__MG1_to_DSO"),
        (ChannelManager.broadcast_channel("DSO", "e"), "env_e__broadcast__DSO"),
        (ChannelManager.state_update_channel("e"), "env_e__state_updates"),
        (ChannelManager.result_channel("e", "MG1"), "env_e__results__MG1"),
        (ChannelManager.custom_channel("bids", "e", "MG1"), "env_e__bids__MG1"),
    ],
)
def test_a_channels_name_says_environment_kind_and_agents(name: str, expected: str) -> None:
    assert name == expected


def test_an_agent_hears_from_above_and_below_and_answers() -> None:
    channels = ChannelManager.agent_channels("MG1", "DSO", ["ess1", "gen1"], "e")
    assert channels == {
        "subscribe": [
            "env_e__action__DSO_to_MG1",
            "env_e__info__ess1_to_MG1",
            "env_e__info__gen1_to_MG1",
        ],
        "publish": [
            "env_e__info__MG1_to_DSO",
            "env_e__action__MG1_to_ess1",
            "env_e__action__MG1_to_gen1",
        ],
    }


def test_the_topmost_agent_has_nobody_above() -> None:
    assert ChannelManager.agent_channels("DSO", None, []) == {"subscribe": [], "publish": []}


def test_a_message_cannot_be_changed_by_one_who_reads_it() -> None:
    message = Message("e", "DSO", "MG1", 0.0, MessageType.ACTION)
    with pytest.raises(AttributeError):
        message.recipient_id = "MG2"  # type: ignore[misc]
    assert message.payload == {}
    assert [kind.name for kind in MessageType] == [
        "ACTION",
        "INFO",
        "BROADCAST",
        "STATE_UPDATE",
        "RESULT",
        "CUSTOM",
    ]
