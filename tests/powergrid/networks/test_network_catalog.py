"""Networks by the name that configurations use, and their import."""

from __future__ import annotations

import subprocess
import sys

import pytest

from powergrid.networks import NETWORKS, make_network


@pytest.mark.parametrize("kind", NETWORKS)
def test_every_kind_is_built_with_its_name_and_options(kind):
    net = make_network(kind, "X", load_scale=0.5)
    assert set(net.bus.zone) == {"X"}
    full = make_network(kind)
    assert net.load.p_mw.sum() == pytest.approx(full.load.p_mw.sum() / 2)


def test_an_unknown_kind_names_the_nearest():
    with pytest.raises(ValueError, match="unknown network 'ieee31'; did you mean 'ieee"):
        make_network("ieee31")


def test_importing_the_networks_does_not_import_pandapower():
    code = "import sys, powergrid.networks; sys.exit('pandapower' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
