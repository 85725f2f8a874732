"""Draw the pictures of the documentation: ``python docs/make_images.py [--out FOLDER]``."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pandapower as pp
from PIL import Image

from powergrid.baselines import BatchedRuleBasedPolicy
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.envs.render import one_line_diagram
from powergrid.evaluation import attribution_report
from powergrid.networks import IEEE13Bus, IEEE34Bus, IEEE123Bus
from powergrid.setups.loader import load_setup

DOCS = Path(__file__).parent
IMAGES = DOCS / "images"
# Pages that build networks of their own, and the picture that their code draws.
PAGES = {"build-from-scratch.md": "valley.png", "integration.md": "baran_wu.png"}
SETUP, DAY, SEED, N_STEP = "ieee34_ieee13", 196, 7, 18


def draw_feeders(folder: Path) -> None:
    """Draw the IEEE feeders at their published loads."""
    for name, build in (("ieee13", IEEE13Bus), ("ieee34", IEEE34Bus), ("ieee123", IEEE123Bus)):
        net = build()
        pp.runpp(net, lightsim2grid=False)
        one_line_diagram(net, folder / f"{name}.png")
        save_small(Image.open(folder / f"{name}.png"), folder / f"{name}.png")


def draw_episode(folder: Path) -> None:
    """Draw a setup in the evening of a day on which the agents act at random."""
    env = MultiAgentMicrogrids(load_setup(SETUP), render_mode="rgb_array")
    env.reset(seed=SEED, options={"day": DAY})
    for i, agent in enumerate(env.possible_agents):
        env.action_space(agent).seed(SEED + i)
    for _ in range(N_STEP):
        env.step({agent: env.action_space(agent).sample() for agent in env.agents})
    save_small(Image.fromarray(env.render()), folder / f"{SETUP}.png")
    env.close()


def draw_attribution(folder: Path) -> None:
    """Draw what each cause of timing costs the rule-based policy; the case of attribution.md."""
    config = {"train": False, "step_s": 900.0, "forecast_step_s": 3600.0, "variability": True}
    timing = {
        "coordinator": {
            "tick_interval": 1800.0, "obs_delay": 2700.0, "msg_delay": 60.0,
            "jitter_type": "uniform", "jitter_ratio": 0.2,
        },
        "field": {"tick_interval": 60.0, "act_delay": 120.0},
        "faults": {"loss": 0.5},
    }  # fmt: skip
    config["max_episode_steps"] = 96
    report = attribution_report(BatchedRuleBasedPolicy(), config, timing, n_seed=30)
    report.plot(folder / "attribution.svg")


def draw_pages(folder: Path) -> None:
    """Draw what pages draw, by running their code up to the picture."""
    for page, picture in PAGES.items():
        text = (DOCS / page).read_text(encoding="utf-8")
        names: dict[str, object] = {"__name__": "page"}
        with _inside(folder), contextlib.redirect_stdout(None):
            for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
                exec(compile(block, page, "exec"), names)
                if picture in block:
                    break
        save_small(Image.open(folder / picture), folder / picture)


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def save_small(picture: Image.Image, path: Path) -> None:
    """Save with a palette, which looks the same and takes a third of the room.

    Half of the palette are the most frequent colours, such as those of large pale faces, the other
    half the colours that lie farthest apart.
    """
    picture = picture.convert("RGB")
    counted = picture.getcolors(maxcolors=picture.width * picture.height)
    frequent = [color for _, color in sorted(counted, reverse=True)[:128]]
    spread = picture.quantize(128, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for color in frequent for part in color] + spread.getpalette())
    picture.quantize(palette=palette, dither=Image.Dither.NONE).save(path, optimize=True)


def main() -> None:
    """Write all images."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=IMAGES)
    folder = parser.parse_args().out.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    draw_feeders(folder)
    draw_episode(folder)
    draw_attribution(folder)
    draw_pages(folder)


if __name__ == "__main__":
    main()
