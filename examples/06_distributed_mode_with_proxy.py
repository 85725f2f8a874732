"""Act by messages and see through a proxy: the same day as in the centralized mode.

With ``centralized=False`` every coordinator sends its devices their set-points through the message
broker, and the proxy agent gathers what each may see. Nothing is late or lost here, so the day is
that of the centralized mode, bit for bit; example 07 lets messages take their time.

Then the proxy is asked directly, and what agents see is narrowed, by configuration and by a rule of
the proxy, to show what information is worth.

    python examples/06_distributed_mode_with_proxy.py
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from heron.messaging import ChannelManager, Message
from powergrid.baselines import RuleBasedPolicy, rollout
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.setups.loader import load_setup

DAY = 190  # of the test year; 10 July
CONFIG = {**load_setup("ieee34_ieee13"), "train": False}


def main() -> dict[str, Any]:
    """Play the day in both modes and under less visibility; return what it came to."""
    policy = RuleBasedPolicy()
    central = rollout(MultiAgentMicrogrids(CONFIG), policy, seed=0, day=DAY)

    env = MultiAgentMicrogrids({**CONFIG, "centralized": False})
    env.configure_agents_for_distributed()
    sent: list[Message] = []
    assert env.message_broker is not None
    for name, _, upstream in env.places():
        if upstream is not None:
            channel = ChannelManager.action_channel(upstream, name, env.env_id)
            env.message_broker.subscribe(channel, sent.append)
    distributed = rollout(env, policy, seed=0, day=DAY)

    print(f"a day of the rule of thumb: {central.episode_return:.2f} $ centralized, ", end="")
    print(f"{distributed.episode_return:.2f} $ by {len(sent)} messages")
    counts = Counter(message.sender_id for message in sent)
    print("sent:", ", ".join(f"{n} by {name}" for name, n in counts.items()))
    last = sent[-1]
    print(f"the last: {last.sender_id} -> {last.recipient_id} at {last.timestamp:.0f} s")

    seen = ask_the_proxy(env)
    returns = {"full": distributed.episode_return}
    for level in ("grid", "device"):
        narrow = MultiAgentMicrogrids({**CONFIG, "centralized": False, "visibility": level})
        returns[level] = rollout(narrow, policy, seed=0, day=DAY).episode_return
    print("\nvisibility   return [$]")
    for level, value in returns.items():
        print(f"{level:10s} {value:12.2f}")
    return {
        "is_same": central == distributed,
        "n_message": len(sent),
        "n_unread": env.message_broker.n_unread,
        "seen": seen,
        "returns": returns,
    }


def ask_the_proxy(env: MultiAgentMicrogrids) -> dict[str, dict[str, Any]]:
    """Show what the proxy tells of a battery, to whom."""
    proxy = env.proxy_agent
    assert proxy is not None
    seen = {
        "its agent": proxy.get_state_for_agent("MG1", 2, owner_id="MG1/ess1"),
        "a generator": proxy.get_state_for_agent("MG1/gen1", 1, owner_id="MG1/ess1"),
    }
    proxy.set_visibility_rules("MG1", ["storage"])
    seen["its agent, by a rule"] = proxy.get_state_for_agent("MG1", 2, owner_id="MG1/ess1")
    proxy.set_visibility_rules("MG1", None)
    print("\nof MG1's battery the proxy shows")
    for who, features in seen.items():
        shown = ", ".join(features.get("MG1/ess1", {})) or "nothing"
        print(f"  {who + ':':22s} {shown}")
    return {who: dict(features.get("MG1/ess1", {})) for who, features in seen.items()}


if __name__ == "__main__":
    main()
