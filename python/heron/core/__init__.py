"""Features, states, actions, observations and policies of agents."""
