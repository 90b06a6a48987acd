"""Runs one test suite and writes down what came of it, for totals.py to add up.

    run_suite.py meson  RESULTS SUITE BUILD [--only NAME...] [--without NAME...]
    run_suite.py node   RESULTS SUITE NODE --test [ARGUMENT...]
    run_suite.py script RESULTS SUITE COMMAND...
    run_suite.py report RESULTS SUITE failed|skipped REASON

Prints a line per program, and the end of the output of one that failed. Counts are of test cases wherever
the program tells them: GoogleTest and node:test by their XML, any other program by lines
    ok TEST
    not ok TEST: REASON
    skip TEST: REASON
or by a closing line "N passed, N failed, N skipped", above which the failed and the skipped ones are named in
that way. A program that tells nothing counts as one test; its exit code 77 means skipped, for the reason on
its last line.
"""
import concurrent.futures
import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree

EXIT_SKIPPED = 77
EXIT_NOT_STARTED = 127
# Meson's limits are for an idle machine and a plain build; ours is often neither.
TIMEOUT_FACTOR = 4
SCRIPT_TIMEOUT_S = 1500
SHOWN_LINES = 40
REASON_LENGTH_MAX = 160
CLOSING_LINE = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.MULTILINE)
TEST_LINE = re.compile(r"^(ok|not ok|skip) ([^:\n]+)(?:: (.+))?$", re.MULTILINE)
SANITIZER_LINE = re.compile(r"(ERROR|WARNING): \w+Sanitizer|runtime error:")
# The first report of a sanitizer ends the program: what comes after it is noise.
SANITIZERS = {
    "ASAN_OPTIONS": "halt_on_error=1:abort_on_error=1:detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "halt_on_error=1:abort_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}


@dataclasses.dataclass
class Outcome:
    """What came of one program. `failed` and `skipped` are pairs of test and reason, `details` what failed
    tests said at length."""

    suite: str
    program: str
    passed: int = 0
    failed: list = dataclasses.field(default_factory=list)
    skipped: list = dataclasses.field(default_factory=list)
    seconds: float = 0.0
    log: str = ""
    details: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Ended:
    """How a process ended; `code` is None where it ran out of time."""

    code: int | None
    output: str
    seconds: float

    def why_failed(self):
        if self.code is None:
            return "ran out of time"
        if self.code == EXIT_NOT_STARTED:
            return "could not be started"
        if self.code < 0:
            return f"was killed by {signal.Signals(-self.code).name}"
        return f"ended with code {self.code}"


def run(command, log, timeout_s, folder=None, environment=None):
    begin = time.monotonic()
    os.makedirs(os.path.dirname(log), exist_ok=True)
    with open(log, "wb") as output:
        try:
            process = subprocess.Popen(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                env={**SANITIZERS, **os.environ, **(environment or {})}, start_new_session=True,
            )
        except OSError as error:
            return Ended(EXIT_NOT_STARTED, f"{command[0]}: {error.strerror}\n", 0.0)
        try:
            code = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            code = None
        end_group(process)
    with open(log, encoding="utf-8", errors="replace") as output:
        return Ended(code, output.read(), time.monotonic() - begin)


def end_group(process):
    """Ends the program where it hangs, and whatever it left running."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def count_xml(outcome, path):
    """Adds the cases of a JUnit file: GoogleTest's and node:test's. False where there is none to read."""
    try:
        cases = list(xml.etree.ElementTree.parse(path).iter("testcase"))
    except (OSError, xml.etree.ElementTree.ParseError):
        return False
    for case in cases:
        suite = case.get("classname") or ""
        name = case.get("name") or "?"
        name = name if suite in ("", "test") else f"{suite}.{name}"
        failure, skip = case.find("failure"), case.find("skipped")
        if failure is not None:
            outcome.failed.append((name, first_line(failure.get("message") or failure.text)))
            outcome.details.append(f"{name}\n{failure.text or failure.get('message')}")
        elif skip is not None:
            outcome.skipped.append((name, first_line(skip.get("message") or skip.text)))
        elif case.get("status") == "notrun":
            outcome.skipped.append((name, "disabled"))
        else:
            outcome.passed += 1
    return True


def count_text(outcome, ended):
    """Counts a program by its closing line or its lines for each test, or else as one test."""
    told = {"ok": [], "not ok": [], "skip": []}
    for result, test, reason in TEST_LINE.findall(ended.output):
        told[result].append((test, (reason or "no reason given")[:REASON_LENGTH_MAX]))
    if closing := CLOSING_LINE.findall(ended.output):
        passed, failed, skipped = (int(number or 0) for number in closing[-1])
        unnamed = (outcome.program, "see its output")
        outcome.passed = passed
        outcome.failed += (told["not ok"] + [unnamed] * failed)[:failed]
        outcome.skipped += (told["skip"] + [unnamed] * skipped)[:skipped]
    elif any(told.values()):
        outcome.passed = len(told["ok"])
        outcome.failed += told["not ok"]
        outcome.skipped += told["skip"]
    elif ended.code == 0:
        outcome.passed = 1
    elif ended.code == EXIT_SKIPPED:
        lines = [line for line in ended.output.splitlines() if line.strip()]
        outcome.skipped.append((outcome.program, lines[-1].strip() if lines else "no reason given"))


def judge(outcome, ended):
    """After counting: what ended badly and what ran nothing are failures, whatever was counted."""
    outcome.seconds = ended.seconds
    if ended.code not in (0, EXIT_SKIPPED) and not outcome.failed:
        outcome.failed.append((outcome.program, ended.why_failed()))
    if not (outcome.passed or outcome.failed or outcome.skipped):
        outcome.failed.append((outcome.program, "ran no test"))
    return outcome


def first_line(text):
    """What it says, in one line. GoogleTest's texts begin with the place, `file:line`, which says nothing."""
    lines = [line.strip() for line in (text or "").splitlines() if line.strip()]
    if len(lines) > 1 and re.fullmatch(r"\S+:\d+", lines[0]):
        lines = lines[1:]
    return lines[0][:REASON_LENGTH_MAX] if lines else "no reason given"


def worth_showing(outcome, output):
    """What failed tests said; else the output from a sanitizer's report on; else the end of it."""
    if said := "\n".join(outcome.details).splitlines():
        return said[:SHOWN_LINES]
    lines = output.splitlines()
    for at, line in enumerate(lines):
        if SANITIZER_LINE.search(line):
            return lines[at:at + SHOWN_LINES]
    return lines[-SHOWN_LINES:]


def report(results, outcome, output=""):
    """One line for people, one record for the totals."""
    counts = f"{outcome.passed} passed"
    counts += f", {len(outcome.failed)} FAILED" if outcome.failed else ""
    counts += f", {len(outcome.skipped)} skipped" if outcome.skipped else ""
    name = outcome.suite if outcome.program == outcome.suite else f"{outcome.suite}: {outcome.program}"
    print(f"  {name:<40} {counts:<30} {outcome.seconds:7.1f} s", flush=True)
    if outcome.failed:
        for line in worth_showing(outcome, output):
            print(f"    | {line}")
        sys.stdout.flush()
    with open(os.path.join(results, "outcomes.jsonl"), "a", encoding="utf-8") as file:
        file.write(json.dumps(dataclasses.asdict(outcome)) + "\n")


def log_path(results, suite, program):
    return os.path.abspath(os.path.join(results, suite, re.sub(r"[^\w.-]", "_", program) + ".log"))


def run_program(results, suite, test, build):
    """One test of a Meson build, as `meson introspect --tests` describes it."""
    outcome = Outcome(suite, test["name"], log=log_path(results, suite, test["name"]))
    cases = outcome.log.removesuffix(".log") + ".xml"
    environment = dict(test["env"])
    if test["protocol"] == "gtest":
        environment["GTEST_OUTPUT"] = f"xml:{cases}"
    timeout_s = test["timeout"] * TIMEOUT_FACTOR if test["timeout"] > 0 else None
    ended = run(test["cmd"], outcome.log, timeout_s, test["workdir"] or build, environment)
    if not count_xml(outcome, cases):
        count_text(outcome, ended)
        if test["protocol"] == "gtest" and ended.code == 0:
            outcome.passed = 0  # a GoogleTest program that wrote no file has run no test
    return judge(outcome, ended), ended.output


def chosen_tests(build, arguments):
    listing = subprocess.run(
        ["meson", "introspect", "--tests", build], check=True, capture_output=True, text=True).stdout
    chosen = json.loads(listing)
    names = {"--only": [], "--without": []}
    for argument in arguments:
        if argument in names:
            option = argument
        else:
            names[option].append(argument)
    for test in chosen:
        test["suites"] = {suite.partition(":")[2] for suite in test["suite"]}
    if names["--only"]:
        chosen = [test for test in chosen if test["suites"] & set(names["--only"])]
    return [test for test in chosen if not test["suites"] & set(names["--without"])]


def run_meson(results, suite, build, *arguments):
    tests = chosen_tests(build, arguments)
    if not tests:
        report(results, Outcome(suite, suite, skipped=[(suite, f"{build} has no such test yet")]))
        return
    together = [test for test in tests if test["is_parallel"]]
    alone = [test for test in tests if not test["is_parallel"]]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        running = [pool.submit(run_program, results, suite, test, build) for test in together]
        for finished in concurrent.futures.as_completed(running):
            report(results, *finished.result())
    for test in alone:
        report(results, *run_program(results, suite, test, build))


def run_node(results, suite, *command):
    outcome = Outcome(suite, suite, log=log_path(results, suite, suite))
    cases = outcome.log.removesuffix(".log") + ".xml"
    reporters = ["--test-reporter=spec", "--test-reporter-destination=stdout",
                 "--test-reporter=junit", f"--test-reporter-destination={cases}"]
    at = command.index("--test") + 1
    ended = run([*command[:at], *reporters, *command[at:]], outcome.log, SCRIPT_TIMEOUT_S)
    count_xml(outcome, cases)
    report(results, judge(outcome, ended), ended.output)


def run_script(results, suite, *command):
    outcome = Outcome(suite, suite, log=log_path(results, suite, suite))
    ended = run(list(command), outcome.log, SCRIPT_TIMEOUT_S)
    count_text(outcome, ended)
    report(results, judge(outcome, ended), ended.output)


def run_report(results, suite, how, reason):
    report(results, Outcome(suite, suite, **{how: [(suite, reason)]}))


if __name__ == "__main__":
    kinds = {"meson": run_meson, "node": run_node, "script": run_script, "report": run_report}
    kinds[sys.argv[1]](*sys.argv[2:])
