"""Writes jinja-table.json: what real Jinja2 prints for each row of jinja-rows.json.

    python3 -m venv /tmp/jinja && /tmp/jinja/bin/pip install jinja2==3.1.6
    /tmp/jinja/bin/python test/prompts/jinja_reference.py
    biome format --write test/prompts/jinja-table.json

An undefined value may be tested, compared for equality and defaulted, and parts of it are undefined too; needing
its value is an error. A row with "refused" is one that Plot Palette refuses at validation; a row with "differs" prints
something else on purpose, and says why.
"""

import json
import pathlib

import jinja2

here = pathlib.Path(__file__).parent


class Missing(jinja2.ChainableUndefined):
    __slots__ = ()
    __str__ = __iter__ = __len__ = __hash__ = jinja2.Undefined._fail_with_undefined_error

    def __html__(self):
        return self._fail_with_undefined_error()


environment = jinja2.Environment(
    trim_blocks=True, lstrip_blocks=True, autoescape=False, undefined=Missing
)


def printed(row):
    try:
        return {"expected": environment.from_string(row["template"]).render(row.get("seed", {}))}
    except jinja2.UndefinedError:
        return {"fails": "undefined-variable"}
    except Exception as error:
        return {"fails": "template-error", "python": type(error).__name__}


rows = json.loads((here / "jinja-rows.json").read_text())
table = [{**row, **printed(row)} for row in rows]
text = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in table)
(here / "jinja-table.json").write_text(f"[\n{text}\n]\n")
print(f"{len(table)} rows, jinja2 {jinja2.__version__}")
