"""Names of channels: who talks to whom, in which environment."""

from __future__ import annotations

from collections.abc import Iterable

from heron.errors import ConfigError

__all__ = ["ChannelManager"]


class ChannelManager:
    """Make the names of channels, the same wherever sender and recipient ask for them.

    Examples
    --------
    >>> ChannelManager.action_channel("DSO", "MG1", "env_0")
    'env_env_0__action__DSO_to_MG1'
    """

    @staticmethod
    def action_channel(upstream_id: str, node_id: str, env_id: str = "default") -> str:
        """Return the channel on which an agent tells a subordinate what to do."""
        return f"env_{env_id}__action__{upstream_id}_to_{node_id}"

    @staticmethod
    def info_channel(node_id: str, upstream_id: str, env_id: str = "default") -> str:
        """Return the channel on which an agent informs the one above it."""
        return f"env_{env_id}__info__{node_id}_to_{upstream_id}"

    @staticmethod
    def broadcast_channel(agent_id: str, env_id: str = "default") -> str:
        """Return the channel on which an agent speaks to everybody."""
        return f"env_{env_id}__broadcast__{agent_id}"

    @staticmethod
    def state_update_channel(env_id: str = "default") -> str:
        """Return the channel on which agents report their states to the environment."""
        return f"env_{env_id}__state_updates"

    @staticmethod
    def result_channel(env_id: str, agent_id: str) -> str:
        """Return the channel on which the environment answers an agent."""
        return f"env_{env_id}__results__{agent_id}"

    @staticmethod
    def custom_channel(channel_type: str, env_id: str, agent_id: str) -> str:
        """Return an agent's channel for a purpose of your own."""
        return f"env_{env_id}__{channel_type}__{agent_id}"

    @classmethod
    def agent_channels(
        cls,
        agent_id: str,
        upstream_id: str | None,
        subordinate_ids: Iterable[str],
        env_id: str = "default",
    ) -> dict[str, list[str]]:
        """Return the channels that an agent's place in the hierarchy gives it.

        Returns
        -------
        dict
            "subscribe": actions from above, then infos from each subordinate. "publish": infos to
            above, then actions to each subordinate.
        """
        if isinstance(subordinate_ids, str):
            raise ConfigError(f"subordinate_ids is {subordinate_ids!r}, expected several ids")
        subscribe, publish = [], []
        if upstream_id is not None:
            subscribe.append(cls.action_channel(upstream_id, agent_id, env_id))
            publish.append(cls.info_channel(agent_id, upstream_id, env_id))
        for subordinate_id in subordinate_ids:
            subscribe.append(cls.info_channel(subordinate_id, agent_id, env_id))
            publish.append(cls.action_channel(agent_id, subordinate_id, env_id))
        return {"subscribe": subscribe, "publish": publish}
