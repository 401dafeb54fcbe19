"""Writes reference.json: answers that people could have given, and what numpy, scipy and Python's own exact
arithmetic make of them. Nothing of Wardsum is used.

    python3 -m venv "$(mktemp -d)/venv"      # and activate it
    pip install numpy scipy
    python3 protocol/tests/statistics/reference.py > protocol/tests/statistics/reference.json
"""

import json
import statistics
from decimal import Decimal
from fractions import Fraction

import numpy as np
from scipy.stats import binomtest

RANDOM = np.random.default_rng(20)


def yes_no(id, optional=False):
    return {"id": id, "kind": "yes-no", "optional": optional}


def number(id, low, high, step=1, decimals=0, squares=True, optional=False):
    return {"id": id, "kind": "number", "min": low, "max": high, "step": step, "decimals": decimals,
            "squares": squares, "optional": optional}


def scale(id, low, high, step=1, decimals=0, optional=False):
    return {"id": id, "kind": "scale", "min": low, "max": high, "step": step, "decimals": decimals,
            "optional": optional}


def choice(id, values, optional=False):
    return {"id": id, "kind": "choice", "values": values, "optional": optional}


def choices(id, values, at_most, optional=False):
    return {"id": id, "kind": "choices", "values": values, "at_most": at_most, "optional": optional}


def score(id, terms, distribution):
    return {"id": id, "terms": terms, "distribution": distribution}


def answer(item):
    if item["optional"] and RANDOM.random() < 0.2:
        return None
    match item["kind"]:
        case "yes-no":
            return bool(RANDOM.random() < 0.4)
        case "number" | "scale":
            return int(RANDOM.integers(item["min"], item["max"], endpoint=True))
        case "choice":
            return int(RANDOM.integers(len(item["values"])))
        case "choices":
            many = RANDOM.integers(0, item["at_most"], endpoint=True)
            return sorted(int(o) for o in RANDOM.choice(len(item["values"]), many, replace=False))


def points(item, answer):
    """What an answer adds to a score of weight 1."""
    if answer is None:
        return None
    match item["kind"]:
        case "choice":
            return item["values"][answer]
        case "choices":
            return sum(item["values"][option] for option in answer)
        case _:
            return int(answer)


def close(a, b):
    assert abs(a - b) <= 1e-9 * max(1, abs(a), abs(b)), (a, b)


def of_numbers(values, unit, deviation, quartiles):
    """Sum, mean, standard deviation and quartiles of whole numbers of steps."""
    step, decimals = unit
    exact = [Fraction(value * step, 10**decimals) for value in values]
    total = sum(value * step for value in values)
    told = {"sum": f"{Decimal(total).scaleb(-decimals):.{decimals}f}",
            "mean": None, "standard_deviation": None, "quartiles": None}
    if values:
        told["mean"] = float(statistics.mean(exact))
        floats = np.array([float(value) for value in exact])
        close(told["mean"], float(np.mean(floats)))
        if quartiles:
            told["quartiles"] = [float(q) for q in
                                 np.quantile(floats, [0.25, 0.5, 0.75], method="averaged_inverted_cdf")]
        if deviation and len(values) > 1:
            told["standard_deviation"] = float(statistics.stdev(exact))
            if max(abs(floats)) < 1e6:
                close(told["standard_deviation"], float(np.std(floats, ddof=1)))
    return told


def of_counts(counts, answered):
    def proportion(count):
        if answered == 0:
            return None
        interval = binomtest(count, answered).proportion_ci(0.95, method="wilson")
        return [count / answered, float(interval.low), float(interval.high)]
    return [{"people": count, "proportion": proportion(count)} for count in counts]


def of_item(item, answers):
    given = [answer for answer in answers if answer is not None]
    told = {"subject": item["id"], "answered": len(given), "missing": len(answers) - len(given),
            "counts": [], "numbers": None}
    match item["kind"]:
        case "yes-no":
            told["counts"] = of_counts([given.count(True), given.count(False)], len(given))
        case "number":
            unit = (item["step"], item["decimals"])
            told["numbers"] = of_numbers(given, unit, item["squares"], False)
        case "scale":
            values = range(item["min"], item["max"] + 1)
            told["counts"] = of_counts([given.count(value) for value in values], len(given))
            told["numbers"] = of_numbers(given, (item["step"], item["decimals"]), True, True)
        case "choice":
            options = range(len(item["values"]))
            told["counts"] = of_counts([given.count(option) for option in options], len(given))
            if None not in item["values"]:
                values = [item["values"][option] for option in given]
                told["numbers"] = of_numbers(values, (1, 0), True, True)
        case "choices":
            options = range(len(item["values"]))
            chosen = [sum(option in some for some in given) for option in options]
            told["counts"] = of_counts(chosen, len(given))
    return told


def bounds(item, weight):
    """The least and the most that an item can add to a score."""
    match item["kind"]:
        case "choice":
            all = [value * weight for value in item["values"]]
        case "choices":
            most = sorted((value * weight for value in item["values"]), reverse=True)
            all = [0, sum(most[:item["at_most"]])]
        case "yes-no":
            all = [0, weight]
        case _:
            all = [item["min"] * weight, item["max"] * weight]
    return min(all), max(all)


def of_score(score, items, people):
    def total(answers):
        terms = [points(items[item], answers[item]) for item, _ in score["terms"]]
        if None in terms:
            return None
        return sum(term * weight for term, (_, weight) in zip(terms, score["terms"]))
    totals = [total(answers) for answers in people]
    given = [value for value in totals if value is not None]
    told = {"subject": score["id"], "answered": len(given), "missing": len(people) - len(given),
            "counts": [], "numbers": of_numbers(given, (1, 0), score["distribution"], score["distribution"])}
    if score["distribution"]:
        ends = [bounds(items[item], weight) for item, weight in score["terms"]]
        values = range(sum(low for low, _ in ends), sum(high for _, high in ends) + 1)
        told["counts"] = of_counts([given.count(value) for value in values], len(given))
    return told


def case(name, items, people, grouping=None, scores=()):
    if isinstance(people, int):
        people = [[answer(item) for item in items] for _ in range(people)]
    def group(number, of_them):
        asked = [(position, item) for position, item in enumerate(items)
                 if number is None or position != grouping]
        summaries = [of_item(item, [answers[position] for answers in of_them]) for position, item in asked]
        summaries += [of_score(score, items, of_them) for score in scores]
        return {"group": number, "people": len(of_them), "summaries": summaries}
    groups = [group(None, people)]
    if grouping is not None:
        by = items[grouping]
        ways = [True, False] if by["kind"] == "yes-no" else range(len(by["values"]))
        for number, way in enumerate(ways):
            groups.append(group(number, [answers for answers in people
                                         if answers[grouping] is not None and answers[grouping] == way]))
    return {"name": name, "items": items, "grouping": grouping, "scores": list(scores),
            "answers": people, "groups": groups}


def trial():
    """Twenty patients, ten of them treated."""
    frequency = [0, 1, 2, 3]
    items = [choice("arm", [None, None]), scale("pain", 0, 10), number("temperature", 70, 84, 5, 1),
             yes_no("better", True), choices("events", [1, 2, 4], 2), choice("sleep", frequency),
             choice("appetite", frequency), choice("energy", frequency, True), number("age", 18, 99, squares=False)]
    people = [[answer(item) for item in items] for _ in range(20)]
    for position, answers in enumerate(people):
        answers[0] = position % 2
        if position % 2:
            answers[1] = max(0, answers[1] - 3)
    scores = [score("burden", [[5, 1], [6, 1], [7, 1]], True), score("index", [[1, 2], [3, -5], [4, 1], [2, -1]], False),
              score("balance", [[1, 1], [5, -2], [3, -1]], True)]
    return case("treatment against control, 20 patients", items, people, 0, scores)


CASES = [
    trial(),
    case("one of everything, by yes or no", [yes_no("smokes", True), scale("mood", -3, 3, 25, 2, True),
         number("weight", 300, 2500, 1, 1, optional=True), choice("agrees", [2, -2, 7, 0], True)], 57, 0,
         [score("total", [[1, 1], [3, 1]], True)]),
    case("nobody answered", [scale("pain", 0, 3, optional=True), number("height", 0, 9, optional=True)],
         [[None, None]] * 4),
    case("one answered", [scale("pain", 0, 3, optional=True), number("height", 0, 9, optional=True)],
         [[None, None], [2, 7]]),
    case("everybody the same", [scale("pain", 1, 5), number("height", -10, 10, 3, 3)], [[4, -3]] * 11),
    # Where `n * squares - sum^2` leaves 128 bits, and `squares / n - mean^2` loses every digit.
    case("large and close together", [number("count", 0, 2**61 - 1)],
         [[2**61 - 2 - value] for value in (0, 1, 1, 0, 1, 0, 0, 0, 1, 0)]),
    case("large and far apart", [number("count", -2**60, 2**60)], [[2**60], [-2**60], [0], [2**60 - 1], [12]]),
    case("a thousand people", [scale("satisfied", 1, 100), choice("agrees", [5, 4, 3, 2, 1])], 1000),
]

if __name__ == "__main__":
    print(json.dumps({"cases": CASES}, separators=(",", ":")).replace('{"name"', '\n{"name"').replace('{"group"', '\n{"group"'))
