"""Holds the golden files against other people's programs: the MeasureReport against the models of FHIR R4 (R4B, in which
MeasureReport is the same) in fhir.resources, the tables against pandas.

    python3 -m venv "$(mktemp -d)/venv"      # and activate it
    pip install fhir.resources pandas
    python3 hospital/tests/results/validate.py
"""

import json
from html.parser import HTMLParser
from pathlib import Path

import pandas
from fhir.resources.R4B.measurereport import MeasureReport

GOLDEN = Path(__file__).parent / "golden"


def absent(element):
    return element is not None and any(e.valueCode == "masked" for e in element.extension or [])


report = MeasureReport.model_validate_json((GOLDEN / "result.fhir.json").read_text())
assert report.type == "summary" and report.subject is None and report.evaluatedResource is None
masked = 0
for group in report.group:
    for part in [group, *(s for stratifier in group.stratifier or [] for s in stratifier.stratum)]:
        assert part.population[0].code.coding[0].code == "initial-population"
        for population in part.population:
            assert population.subjectResults is None
            hidden = absent(getattr(population, "count__ext", None))
            assert hidden == (population.count is None), population
            masked += hidden
print(f"MeasureReport: {len(report.group)} groups, {masked} populations masked")

table = pandas.read_csv(GOLDEN / "result.csv", dtype={"group": "Int64", "answer": str}, encoding="utf-8")
assert table["value"].dtype == float and table["suppressed"].dtype == bool
assert table.loc[table["suppressed"], "value"].isna().all() and table["suppressed"].any()
mine = json.loads((GOLDEN / "result.json").read_text())["figures"]
assert len(mine) == len(table) - 1
for row, figure in zip(table.iloc[1:].itertuples(), mine):
    assert (row.subject, row.figure, row.suppressed) == (figure["subject"], figure["figure"], figure["suppressed"])
    assert pandas.isna(row.value) if figure["value"] is None else abs(row.value - figure["value"]) < 1e-12
everybody = table[table["group"].isna() & (table["figure"] == "count") & (table["subject"] == "sleep")]
assert everybody["value"].sum() == 20
codebook = pandas.read_csv(GOLDEN / "codebook.csv", encoding="utf-8")
assert set(table["subject"].dropna()) - {"study"} <= set(codebook["variable"])
assert set(table["figure"]) <= set(codebook["variable"])
print(f"CSV: {len(table)} rows, {table['suppressed'].sum()} suppressed; codebook: {len(codebook)} rows")


class Checked(HTMLParser):
    """Every element that is opened is closed, and none of them does anything."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attributes):
        assert tag not in {"script", "iframe", "object", "embed", "link", "img", "form", "base"}
        assert not any(name.startswith("on") or name in {"href", "src"} for name, _ in attributes)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


page = Checked()
page.feed((GOLDEN / "result.html").read_text())
assert not page.open
print("HTML: balanced, no script")
