"""Nothing of the documents is overlooked, and what does not run is listed with its reason."""

from __future__ import annotations

import re
from importlib.metadata import metadata

import pytest
from seed_checks import CHECKS
from seed_documents import blocks_of
from seed_substitutions import (
    CASE_STUDY,
    DIAGRAMS,
    FROM_SCRATCH,
    REFUSED,
    SCRIPTS,
    SUBSTITUTIONS,
    Substitution,
)


@pytest.fixture(scope="module")
def commands(blocks):
    """Return the text of every command by its place."""
    shell = [block for block in blocks if block.language == "bash"]
    return {command.place: command.text for block in shell for command in block.commands}


def test_every_block_is_a_program_or_a_listed_diagram(blocks):
    languages = {"python", "bash", "yaml"}
    others = {block.place for block in blocks if block.language not in languages}
    assert others == set(DIAGRAMS)
    assert all(block.language == "" for block in blocks if block.place in others)


def test_every_entry_of_the_tables_names_something_that_runs(blocks, commands):
    programs = {block.place for block in blocks if block.language in ("python", "yaml")}
    for table in (SUBSTITUTIONS, REFUSED):
        assert set(table) <= programs | set(commands)
    assert set(CHECKS) | SCRIPTS <= programs
    assert not set(REFUSED) & set(SUBSTITUTIONS)


def test_what_is_refused_is_counted(blocks, commands):
    refused = {document: [] for document in (CASE_STUDY, FROM_SCRATCH)}
    for document, line in sorted(REFUSED):
        refused[document].append(commands[document, line].split()[0])
    assert refused == {
        CASE_STUDY: ["pip"] * 3,
        FROM_SCRATCH: ["pip", "pytest", "pytest", "pytest", "bash", "rm"],
    }


def test_the_extras_that_installations_name_exist(commands):
    wanted = [re.search(r"\.\[(\w+)\]", text) for text in commands.values() if "pip" in text]
    extras = {match[1] for match in wanted if match}
    assert extras == {"powergrid", "multi_agent", "all"}
    known = metadata("heron").get_all("Provides-Extra")
    assert extras <= {name.replace("-", "_") for name in known}


def test_a_substitution_refuses_a_text_that_it_was_not_made_for():
    once = Substitution("too many", edits=(("100", "1"),), given="n = 1")
    assert once.apply("range(100)") == "n = 1\nrange(1)"
    for text in ("range(10)", "100 of 100"):
        with pytest.raises(ValueError, match="occurs"):
            once.apply(text)


def test_a_block_keeps_its_line_and_loses_its_indentation(tmp_path):
    page = tmp_path / "page.txt"
    page.write_text("1.\n   ```bash\n   # why\n   ls -l\n\n     pwd\n   ```\n```\ntext\n```\n")
    shell, diagram = blocks_of(page)
    assert (shell.place, shell.language) == (("page.txt", 2), "bash")
    assert [(c.place[1], c.text) for c in shell.commands] == [(4, "ls -l"), (6, "pwd")]
    assert (diagram.language, diagram.text) == ("", "text\n")
    page.write_text("```python\n")
    with pytest.raises(ValueError, match="line 1 has no end"):
        blocks_of(page)
