"""What is known of the documents' blocks and commands, each named by document and line.

Whatever is not listed here must run as it stands.
"""

from __future__ import annotations

from dataclasses import dataclass

from seed_documents import Place

__all__ = [
    "DIAGRAMS",
    "NEEDS",
    "REFUSED",
    "SCRIPTS",
    "SUBSTITUTIONS",
    "Substitution",
]

CASE_STUDY = "000_ebb26fbb93125c3c.txt"
FROM_SCRATCH = "002_cb1eb016199fc0b5.txt"


@dataclass(frozen=True)
class Substitution:
    """The one change that a block or command gets.

    Attributes
    ----------
    reason
        Why it cannot run as it stands.
    edits
        (old, new) texts; each old one occurs exactly once.
    given
        Lines in front: names that the document takes for granted.
    """

    reason: str
    edits: tuple[tuple[str, str], ...] = ()
    given: str = ""

    def apply(self, text: str) -> str:
        """Return the changed text; ValueError if it is not the text that was expected."""
        for old, new in self.edits:
            if text.count(old) != 1:
                raise ValueError(f"{old!r} occurs {text.count(old)} times in\n{text}")
            text = text.replace(old, new)
        return f"{self.given}\n{text}" if self.given else text


# A training that ends: a day of steps an iteration, no comparison afterwards, sampling in place.
TINY = "--steps-per-iteration 24 --eval-episodes 0 --num-workers 0"
FEWER = "100 iterations take an hour"
SHORTER = "the short training takes a minute, and stands in the documents five times"
IN_ROOT = "the examples are in the project's root"


def training(old: str, new: str, reason: str = FEWER) -> Substitution:
    """Return what makes a training command short."""
    return Substitution(reason, edits=((old, f"{new} {TINY}"),))


VALIDATION = Substitution(
    "ten iterations and twelve days take minutes", edits=((".py", ".py --iterations 1 --days 1"),)
)


SUBSTITUTIONS: dict[Place, Substitution] = {
    # --- Python -----------------------------------------------------------------------------------
    (CASE_STUDY, 219): Substitution(
        "neither `done` nor the function of the trained policy is defined, and `done` is never set",
        given="done = False\n"
        "def get_actions_from_trained_policy(obs):\n"
        "    return {agent: env.action_space(agent).sample() for agent in env.agents}",
        edits=(("= env.step(actions)", "= env.step(actions)\n    done = not env.agents"),),
    ),
    (FROM_SCRATCH, 1189): Substitution(
        "`__file__` exists in files only", given="__file__ = 'setups/loader.py'"
    ),
    (FROM_SCRATCH, 1235): Substitution(
        "4 runners wait for ever on fewer than 5 CPUs; 100 iterations take hours; checkpoints need "
        "an absolute path; RLlib's present name of the mean return",
        edits=(
            ("num_env_runners=4", "num_env_runners=0"),
            ("train_batch_size=4000", "train_batch_size=192"),
            ("range(100)", "range(1)"),
            (
                "result.get('env_runners', {}).get('episode_reward_mean', 0)",
                "result['env_runners']['episode_return_mean']",
            ),
            ("'checkpoints/mappo'", "__import__('os').path.abspath('checkpoints/mappo')"),
        ),
    ),
    (FROM_SCRATCH, 1344): Substitution(
        "a formula, not a program", given="cost, penalty, safety_violation = 12.0, 10.0, 0.5"
    ),
    (FROM_SCRATCH, 1356): Substitution(
        "the configuration is local to the training script's main()",
        given="env_config = load_setup('ieee34_ieee13')",
    ),
    (FROM_SCRATCH, 1366): Substitution(
        "a method without its class",
        given="class SteadyVoltages(MultiAgentMicrogrids):",
        edits=(("def _reward_and_safety", " def _reward_and_safety"),),
    ),
    (FROM_SCRATCH, 1451): Substitution(
        "the registry is that of the package, not the one that the guide's own module made",
        given="from powergrid.agents.power_grid_agent import DEVICE_REGISTRY",
    ),
    (FROM_SCRATCH, 1526): Substitution(
        "lines from different places; pandapower returns a set",
        given="from types import SimpleNamespace\n"
        "from powergrid.networks.ieee13 import IEEE13Bus\n"
        "self = SimpleNamespace(config=GeneratorConfig(bus='Bus 633', p_max_MW=2.0))\n"
        "p_setpoint, net = 3.0, IEEE13Bus()",
        edits=(("not top.unsupplied_buses(net).empty", "top.unsupplied_buses(net)"),),
    ),
    (FROM_SCRATCH, 1555): Substitution(
        "lines out of a method",
        given="action_space = SpaceDict(gen1=Box(-1, 1, (2,)), ess1=Box(-1, 1, (1,)))",
    ),
    (FROM_SCRATCH, 1583): Substitution(
        "the configuration is local to the training script's main()", given="config = PPOConfig()"
    ),
    (FROM_SCRATCH, 1596): Substitution(
        "the dots stand for more of the same", edits=(("    ...\n", ""),)
    ),
    # --- shell ------------------------------------------------------------------------------------
    (CASE_STUDY, 238): VALIDATION,
    (CASE_STUDY, 248): Substitution(IN_ROOT, edits=(("case_studies/power", "."),)),
    (CASE_STUDY, 257): training("--test", "--test", SHORTER),
    (CASE_STUDY, 260): training("--iterations 100", "--iterations 1"),
    (CASE_STUDY, 269): VALIDATION,
    (CASE_STUDY, 280): Substitution(IN_ROOT, edits=(("case_studies/power", "."),)),
    (CASE_STUDY, 283): training("--iterations 100", "--iterations 1"),
    (CASE_STUDY, 286): training("--iterations 100", "--iterations 1"),
    (CASE_STUDY, 289): training("--test", "--test", SHORTER),
    (CASE_STUDY, 292): training("--iterations 100", "--iterations 1"),
    (FROM_SCRATCH, 79): Substitution(IN_ROOT, edits=(("case_studies/power", "."),)),
    (FROM_SCRATCH, 82): Substitution(IN_ROOT, edits=(("../../", ""),)),
    (FROM_SCRATCH, 93): training("--test", "--test", SHORTER),
    (FROM_SCRATCH, 145): Substitution(
        "the target installs HERON before it writes, which is done",
        edits=(("new-project", 'new-project DEMO= BIN="$(dirname "$(command -v python)")"'),),
    ),
    (FROM_SCRATCH, 1317): training("--test", "--test", SHORTER),
    (FROM_SCRATCH, 1320): Substitution(
        f"{FEWER}; the example itself caps its workers at the CPUs, with a warning",
        edits=(("--iterations 100", "--iterations 1 --steps-per-iteration 24 --eval-episodes 0"),),
    ),
    (FROM_SCRATCH, 1323): training("--iterations 100", "--iterations 1"),
    (FROM_SCRATCH, 1326): training("--iterations 100", "--iterations 1"),
    (FROM_SCRATCH, 1569): Substitution(
        "three iterations as long as real ones",
        edits=(
            (
                "--num-workers 1",
                "--num-workers 1 --iterations 1 --steps-per-iteration 24 --eval-episodes 0",
            ),
        ),
    ),
    (FROM_SCRATCH, 1572): training(
        "--no-cuda", "--no-cuda --iterations 1", "three iterations as long as real ones"
    ),
    (FROM_SCRATCH, 1628): training("--test", "--test", SHORTER),
}

# Python blocks that are run as a file too, because of what stands under their __main__.
SCRIPTS: frozenset[Place] = frozenset({(FROM_SCRATCH, 1235)})

INSTALLS = "what tests run in is installed; that its extra exists is tested"
TESTS = "tests do not run tests; `make test` does, in other folders than the document's"

REFUSED: dict[Place, str] = {
    (CASE_STUDY, 161): INSTALLS,
    (CASE_STUDY, 164): INSTALLS,
    (CASE_STUDY, 278): INSTALLS,
    (FROM_SCRATCH, 114): INSTALLS,
    (FROM_SCRATCH, 1503): TESTS,
    (FROM_SCRATCH, 1506): TESTS,
    (FROM_SCRATCH, 1509): TESTS,
    (FROM_SCRATCH, 1512): "a script of the original's tests; tests/test_examples.py trains",
    (FROM_SCRATCH, 1575): "deletes what other programs of the machine use",
}

# Packages of extras that a command needs, and without which it is refused.
NEEDS: dict[Place, str] = {(FROM_SCRATCH, 1323): "wandb"}

# Fences without a language: nothing in them is a program.
DIAGRAMS: dict[Place, str] = {
    (CASE_STUDY, 43): "levels of agents",
    (CASE_STUDY, 95): "tree of files",
    (FROM_SCRATCH, 16): "microgrids on their grid",
    (FROM_SCRATCH, 150): "tree of files",
    (FROM_SCRATCH, 167): "tree of files",
    (FROM_SCRATCH, 189): "classes",
    (FROM_SCRATCH, 238): "flow of data in a step",
    (FROM_SCRATCH, 275): "entries of an observation",
    (FROM_SCRATCH, 1100): "tree of files",
    (FROM_SCRATCH, 1656): "numbered list, whose commands stand elsewhere too",
}
