#!/usr/bin/python3
"""Holds our SPF against pyspf on random cases. Debian's python3, which has spf.py; see spf.py beside.

usage: spf_compare.py PROGRAM COUNT SEED    (PROGRAM: spf_answers)

Prints a JSON object: `results` by name, `differ` by what mends pyspf, `why` of each, `unexplained`
cases whole.
"""

import collections
import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

import spf  # noqa: E402
from spf_cases import Case  # noqa: E402
from spf_mended import MENDINGS, Mended  # noqa: E402

SHOWN = 5


def lookup_in(zone, mended):
    """What pyspf asks instead of the DNS."""
    def lookup(name, qtype, strict=True, timeout=20):
        name = name.lower().rstrip(".")
        if name in zone.failing:
            raise spf.TempError("DNS " + zone.failing[name])
        kinds = zone.records.get(name, {})
        if name.endswith(".w.example") and not zone.exists(name):
            kinds = zone.records.get("*.w.example", {})
        if "loop" in mended and kinds.get("CNAME") == [name]:
            raise spf.TempError("DNS loop")
        if "CNAME" in kinds:
            return [((name, "CNAME"), kinds["CNAME"][0])]
        return [((name, qtype), [data.encode("latin-1")] if qtype == "TXT" else data)
                for data in kinds.get(qtype, [])]
    return lookup


def theirs(case, mended=()):
    """(result, explanation) of pyspf, mended or as it is."""
    result, explanation = said(case, mended)
    return result, explanation if result == "fail" else ""


def said(case, mended=()):
    """What pyspf says: (result, explanation or complaint)."""
    spf.DNSLookup = lookup_in(case.zone, mended)
    q = Mended(mended, i=case.client, s=case.sender, h=case.helo, receiver=case.values["r"], strict=True)
    q.t = case.values["t"]
    q.set_default_explanation("")
    result, _, text = q.check()
    return result, text


def ours(program, cases):
    """(result, explanation, the rest) of each."""
    octets = b""
    for case in cases:
        zone = case.zone.text().encode("latin-1")
        octets += f"{case.client}\t{case.helo}\t{case.sender}\t{len(zone)}\n".encode() + zone
    done = subprocess.run([program], input=octets, stdout=subprocess.PIPE, check=True)
    return [line.split("\t", 2) for line in done.stdout.decode().splitlines()]


def reasons(case, answer):
    """What makes pyspf give this answer; None: nothing does."""
    if theirs(case) == answer:
        return []
    for name in MENDINGS:
        if theirs(case, {name}) == answer:
            return [name]
    if theirs(case, MENDINGS) != answer:
        return None
    needed = list(MENDINGS)
    for name in MENDINGS:
        fewer = [other for other in needed if other != name]
        if theirs(case, fewer) == answer:
            needed = fewer
    return needed


def main():
    program, count, seed = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    results, differ, unexplained = collections.Counter(), collections.Counter(), []
    for start in range(0, count, 500):
        cases = [Case(seed, number) for number in range(start, min(count, start + 500))]
        for number, (case, line) in enumerate(zip(cases, ours(program, cases), strict=True), start):
            answer = (line[0], line[1])
            why = reasons(case, answer)
            results[line[0]] += 1
            if why is None:
                unexplained.append(f"case {number}: {case.client} {case.helo} {case.sender}: ours {line}, "
                                   f"theirs {said(case)}, mended {said(case, MENDINGS)}\n{case.zone.text()}")
            elif why:
                differ[" + ".join(why)] += 1
    json.dump({"results": results, "differ": differ, "why": MENDINGS, "unexplained": len(unexplained),
               "shown": unexplained[:SHOWN]}, sys.stdout)


if __name__ == "__main__":
    main()
