"""Converters are spared work, and write what they would have written."""

from __future__ import annotations

import gc

import pytest
import torch
import torch.fx.traceback
from torch.export import ExportedProgram, export

from dvfl_converter.rewriting import spared_rewriting


def decomposed_twice() -> ExportedProgram:
    network = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.GELU(), torch.nn.LayerNorm(4)).eval()
    program = export(network, (torch.zeros(2, 3),))
    return program.run_decompositions({}).run_decompositions()


def histories(program: ExportedProgram) -> list[list[str]]:
    """The names that every node's value had, newest first; graphs' numbers differ from run to run."""
    return [names(node.meta["from_node"]) for node in program.graph.nodes if "from_node" in node.meta]


def names(sources) -> list[str]:
    return [name for source in sources for name in (source.name, *names(source.from_node))]


class TestHistory:
    def test_tells_what_pytorch_tells_without(self):
        plain = decomposed_twice()
        with spared_rewriting():
            spared = decomposed_twice()
        assert histories(spared) == histories(plain)
        assert max(len(history) for history in histories(spared)) >= 3

    def test_the_graph_is_the_same(self):
        plain = decomposed_twice()
        with spared_rewriting():
            spared = decomposed_twice()
        assert str(spared.graph) == str(plain.graph)

    def test_is_not_copied_from_node_to_node(self):
        with spared_rewriting():
            node = torch.fx.Graph().placeholder("x")
            node.meta["from_node"] = [torch.fx.traceback.NodeSource(node)]
            later = torch.fx.traceback.NodeSource(node)
        assert later.from_node[0] is node.meta["from_node"][0]


class TestAfterwards:
    @pytest.mark.parametrize("fails", [False, True])
    def test_python_and_pytorch_are_as_before(self, fails):
        before = torch.fx.traceback.NodeSource
        try:
            with spared_rewriting():
                assert not gc.isenabled()
                assert torch.fx.traceback.NodeSource is not before
                if fails:
                    raise RuntimeError
        except RuntimeError:
            pass
        assert gc.isenabled()
        assert torch.fx.traceback.NodeSource is before

    def test_a_collector_that_was_off_stays_off(self):
        gc.disable()
        try:
            with spared_rewriting():
                pass
            assert not gc.isenabled()
        finally:
            gc.enable()
