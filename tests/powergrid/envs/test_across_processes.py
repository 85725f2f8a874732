"""An episode is the same in every process, whatever its hash seed and batch size."""

from __future__ import annotations

import os
import subprocess
import sys

from powergrid import _core

# Prints two digests, of single environments and of lanes of batches with as many seeds.
PROGRAM = """
import hashlib
import pickle
import numpy as np
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.envs.vector_grid_env import VectorGridEnv
from powergrid.setups.loader import load_setup

SEEDS, N_STEP = [7, 3, 11], 5
config = {**load_setup("ieee34_ieee13"), "max_episode_steps": N_STEP, "variability": True}
rng = np.random.default_rng(0)

def digest(tables):
    return hashlib.sha256(b"".join(np.ascontiguousarray(x).tobytes() for x in tables)).hexdigest()

env = MultiAgentMicrogrids(config)
n_entry = env.action_space("MG1").shape[0]
actions = rng.uniform(-1.2, 1.2, (N_STEP, len(SEEDS), len(env.possible_agents), n_entry))
actions = actions.astype(np.float32)
alone = []
for k, seed in enumerate(SEEDS):
    env.reset(seed=seed)
    for step in range(N_STEP):
        _, rewards, *_ = env.step(dict(zip(env.possible_agents, actions[step, k])))
        alone += [env.table.values[:, 0].copy(), np.array(list(rewards.values()))]
print(digest(alone))

others = 10
envs = VectorGridEnv(len(SEEDS) + others, config, n_thread=2)
envs.reset(seed=[*range(100, 100 + others), *SEEDS])
together = [[] for _ in SEEDS]
for step in range(N_STEP):
    if step == 2:  # out and in again
        envs.load_state(pickle.loads(pickle.dumps(envs.save_state())))
    mixed = np.concatenate([np.repeat(actions[step, :1], others, axis=0), actions[step]])
    _, rewards, *_ = envs.step(mixed)
    for k in range(len(SEEDS)):
        together[k] += [envs.state()[:, others + k].copy(), rewards[others + k].copy()]
print(digest([x for of_lane in together for x in of_lane]))
print(env.power_flow.flow.simd)
"""


def run(hash_seed: str, simd: str) -> list[str]:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "HERON_SIMD": simd}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_hash_seed_and_batch_change_nothing_in_another_process() -> None:
    best = _core.best_simd_level()
    runs = [run(hash_seed, simd) for hash_seed, simd in (("0", best), ("12345", best))]
    assert {level for *_, level in runs} == {best}
    digests = {digest for *of_run, _ in runs for digest in of_run}
    assert len(digests) == 1
