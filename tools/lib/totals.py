"""Adds up what run_suite.py wrote down: each skip with its reason, each failure with its log, one last line.

    totals.py RESULTS

Ends with code 1 where a test failed or none passed.
"""
import json
import os
import sys


def main(results):
    outcomes = []
    path = os.path.join(results, "outcomes.jsonl")
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            outcomes = [json.loads(line) for line in file]
    passed = failed = skipped = 0
    print()
    for outcome in outcomes:
        passed += outcome["passed"]
        failed += len(outcome["failed"])
        skipped += len(outcome["skipped"])
        for test, reason in outcome["skipped"]:
            print(f"skipped: {outcome['suite']}: {test}: {reason}")
    for outcome in outcomes:
        for test, reason in outcome["failed"]:
            print(f"FAILED: {outcome['suite']}: {test}: {reason}")
        if outcome["failed"] and outcome["log"]:
            print(f"        its output: {os.path.relpath(outcome['log'])}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
