"""Compares a round's result (JSON) with the plain answers (CSV), by numpy."""
import csv, json, sys
import numpy as np
answers = list(csv.DictReader(open(sys.argv[1], newline='')))
result = json.load(open(sys.argv[2]))
grouping = result["grouping"]
checked = masked = wrong = 0
for f in result["figures"]:
    if f["suppressed"]:
        masked += 1; continue
    if f["value"] is None: continue
    people = answers if f["group"] is None else [a for a in answers if a[grouping] == str(f["group"])]
    s = f["subject"]
    values = None
    if s in answers[0]:
        values = np.array([float(a[s]) for a in people if a[s] != ""])
    name = f["figure"]
    if values is None: continue
    expect = {"answered": len(values), "sum": values.sum() if len(values) else 0,
              "mean": values.mean() if len(values) else None,
              "standard_deviation": values.std(ddof=1) if len(values) > 1 else None}.get(name)
    if name == "count":
        a = f["answer"]
        if a in ("yes", "no"): expect = int((values == (a == "yes")).sum())
        else:
            try: x = float(a)
            except (TypeError, ValueError): continue
            expect = int((values == x).sum())
    if expect is None: continue
    checked += 1
    if abs(expect - f["value"]) > 1e-9 * max(1, abs(expect)):
        wrong += 1; print("WRONG", f, expect)
print(checked, "checked,", masked, "suppressed,", wrong, "wrong")
