"""Tests of the relay benchmark's judgement: which runs count, what is made of them, and how a stopped run goes on."""
import importlib.machinery
import importlib.util
import json
import pathlib
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "bench/relay"))
from suite.analysis import Analysis, keeps_time, quality_of, quantile_of  # noqa: E402
from suite.goals import make_goals  # noqa: E402
from suite.references import compare  # noqa: E402
from suite.report import write_report  # noqa: E402
from suite.results import Results  # noqa: E402
from suite.settings import make_cells  # noqa: E402

MACHINE = {"commit": "abc", "cpu": "x", "cpus": 2, "kernel": "6.18", "compiler": "g++", "congestion_control": "cubic",
           "nice": 0, "versions": {"bun": "1"}}


def record(key, cpu_us=10.0, **changes):
    """A run without blemish, changed."""
    setting, scheme, subject, variant = key.split("/")
    load = {"matches": 64, "players": 16, "hz": 30, "slot_us": 0, "shards": 1}
    made = {
        "key": key, "setting": setting, "scheme": scheme, "subject": subject, "variant": variant, "load": load,
        "members": 1024, "cpu_us": cpu_us, "core_us": cpu_us, "void": None, "disturbed": False, "failed": [], "skipped": 0,
        "frames_share": 1.0, "frames_per_s": 30720, "bytes_per_frame": 868, "swarm_share": 0.5, "waited_share": 0.0,
        "pong_ms": {"p99": 2.0}, "age_ms": {"p50": 17.0, "p99": 33.0, "quantiles": list(range(41))},
        "counters": {"ticks_left_out": 0}, "rss": 10e6, "rss_before": 5e6, "repetition": 0, "states": {"lost": 0},
    }
    return {**made, **changes}


def goal(records, what):
    return next(goal for goal in make_goals(records) if goal.what == what)


TO_FLOOR = "(a) ws, random: CPU per frame to the io_uring floor's"


class WhatCounts(unittest.TestCase):
    def test_a_run_is_as_good_as_its_worst_fault(self):
        self.assertEqual(quality_of(record("a/ws/bun/random")), "clean")
        self.assertEqual(quality_of(record("a/ws/bun/random", disturbed=True)), "disturbed")
        self.assertEqual(quality_of(record("a/ws/bun/random", disturbed=True, void="x")), "void")
        self.assertEqual(quality_of(record("a/ws/bun/random", failed=["states are right: 3 wrong"])), "failed")

    def test_a_server_that_sends_garbage_is_not_fast(self):
        runs = [record("a/ws/relay/random", 6.0), record("a/ws/floor/random", 1.0, failed=["states are right: 1 wrong"]),
                record("a/ws/floor/random", 5.0)]
        self.assertEqual(goal(runs, TO_FLOOR).measured, "1.20")
        self.assertIsNone(goal(runs[:2], TO_FLOOR).is_met)

    def test_only_runs_of_the_best_kind_make_a_median(self):
        runs = [record("a/ws/bun/random", cpu) for cpu in (9, 10, 30)] + [record("a/ws/bun/random", 1, disturbed=True)]
        figure = Analysis(runs).figure("a/ws/bun/random")
        self.assertEqual((figure.value, figure.low, figure.high, figure.count, figure.quality), (10, 9, 30, 3, "clean"))

    def test_cpu_that_is_bought_with_ticks_or_pongs_is_none(self):
        for changes in ({"skipped": 1}, {"counters": {"ticks_left_out": 1}}, {"pong_ms": {"p99": 3.1}}, {"frames_share": 0.9},
                        {"pong_ms": None}):
            cheat = record("a/ws/relay/random", 1.0, **changes)
            self.assertFalse(keeps_time(cheat), changes)
            floor = record("a/ws/floor/random", 10.0, **changes)
            self.assertTrue(keeps_time(floor), "the floor promises none of that")
            missed = goal([cheat, floor], TO_FLOOR)
            self.assertEqual((missed.measured, missed.is_met), ("0.10", False), changes)
            mixed = goal([cheat, record("a/ws/relay/random", 11.0), floor], TO_FLOOR)
            self.assertEqual((mixed.measured, mixed.is_met), ("1.10", True))
            self.assertIn("of the 1 of 2 clean runs", mixed.note)

    def test_longer_slots_may_answer_later(self):
        load = {"players": 16, "slot_us": 8000}
        self.assertTrue(keeps_time(record("a/ws/relay/slot-8000", load=load, pong_ms={"p99": 8.9})))
        self.assertFalse(keeps_time(record("a/ws/relay/slot-8000", load=load, pong_ms={"p99": 9.1})))


class WhatIsMadeOfThem(unittest.TestCase):
    def test_goals_are_met_and_missed(self):
        floor = record("a/ws/floor/random", 10.0)
        self.assertTrue(goal([record("a/ws/relay/random", 12.0), floor], TO_FLOOR).is_met)
        self.assertFalse(goal([record("a/ws/relay/random", 12.1), floor], TO_FLOOR).is_met)
        self.assertIsNone(goal([floor], TO_FLOOR).is_met)

    def test_the_stretch_names_the_slot_that_it_took(self):
        what = "(a) ws, random: to Bun's, stretch"
        runs = [record("a/ws/bun/random", 10.0), record("a/ws/relay/random", 7.0), record("a/ws/relay/slot-4000", 5.9),
                record("a/ws/relay/slot-8000", 5.0)]
        self.assertEqual((goal(runs, what).measured, goal(runs, what).note), ("0.59", "with slots of 4 ms"))
        self.assertFalse(goal(runs[:2], what).is_met)

    def test_slow_readers_are_judged_by_what_the_others_feel(self):
        what = "(g) slow readers: rise of the others' p99 age"
        runs = [record("g/ws/relay/0"), record("g/ws/relay/16", age_ms={"p99": 34.9})]
        self.assertTrue(goal(runs, what).is_met)
        self.assertFalse(goal([runs[0], record("g/ws/relay/16", age_ms={"p99": 35.1})], what).is_met)

    def test_growth_is_judged_where_it_is_largest(self):
        runs = [record(f"f/ws/{name}/{size}", cpu) for name, size, cpu in
                [("relay", 1024, 10), ("floor", 1024, 10), ("relay", 4096, 12), ("floor", 4096, 10), ("relay", 16384, 10),
                 ("floor", 16384, 10)]]
        self.assertEqual(goal(runs, "(f) growth of the ratio to the floor").measured, "1.20")

    def test_capacity_is_of_the_largest_run_that_the_swarm_could_drive(self):
        runs = [record("a/ws/bun/random", 12.0), record("e/ws/bun/2048", 10.0, members=2048),
                record("e/ws/bun/4096", 5.0, members=4096, swarm_share=0.9)]
        members, measured_at = Analysis(runs).capacity("ws", "bun")
        self.assertEqual((round(members), measured_at), (round(0.9e6 / (10 * 30)), 2048))

    def test_quantiles_are_linear_inside_a_bucket(self):
        self.assertEqual(quantile_of({"1": 0, "2": 50, "4": 50}, 0.5), 2)
        self.assertEqual(quantile_of({"1": 0, "2": 50, "4": 50}, 0.75), 3)
        self.assertEqual(quantile_of({"1": 10}, 1), 1)
        self.assertIsNone(quantile_of({}, 0.5))

    def test_lateness_is_resolved_finer_than_its_buckets(self):
        what = "tick lateness p99.9 beside a bare clock_nanosleep loop's on the same core"
        beside = {"sleeper": {"lateness_below_us": {"256": 999, "512": 1}}}
        good = record("a/ws/relay/lateness", lateness_below_us={"512": 9980, "1024": 20}, **beside)
        bad = record("a/ws/relay/lateness", lateness_below_us={"512": 9900, "1024": 100}, **beside)
        self.assertEqual([goal([one], what).is_met for one in (good, bad)], [False, False])
        better = record("a/ws/relay/lateness", lateness_below_us={"512": 9995, "1024": 5}, **beside)
        self.assertTrue(goal([better], what).is_met)
        self.assertTrue(goal([better, better, bad], what).is_met, "the middle one of three")

    def test_peers_are_held_against_measurements_elsewhere(self):
        runs = [record("a/ws/floor/random", 7.2), record("a/ws/bun/random", 12.3), record("a/ws/ws/random", 28.6)]
        remarks = {one.name: one.remark for one in compare(Analysis(runs))}
        self.assertEqual(remarks, {"bun": "", "ws": "not explained"})
        fast_floor = [record("a/ws/floor/random", 5.0), *runs[1:2], record("a/ws/beast/random", 13.3)]
        self.assertIn("to bun's it is 1.08 here", {one.name: one.remark for one in compare(Analysis(fast_floor))}["beast"])
        cheap_wake_ups = [*runs[:1], record("a/ws/floor-epoll/random", 8.4), record("a/ws/floor-arrivals/random", 9.0)]
        self.assertIn("0.6 µs a frame more here", {one.name: one.remark for one in compare(Analysis(cheap_wake_ups))}["floor-arrivals"])

    def test_a_report_says_what_a_reader_must_know(self):
        runs = [record("a/ws/relay/random"), record("a/ws/floor/random"), record("a/ws/bun/random", core_us=13.0),
                record("b/ws/bun/random", failed=["states are right: 1 wrong"])]
        with tempfile.TemporaryDirectory() as folder:
            write_report(pathlib.Path(folder), MACHINE, runs, "a command", ["c/ws/bun/random: it would not start"])
            page = (pathlib.Path(folder) / "report.html").read_text(encoding="utf-8")
        for said in ("1 wrong", "it would not start", "busy for longer than its process", "a/ws/bun/random (1.30 times)",
                     "In 1 cells no run passed its checks"):
            self.assertIn(said, page)


class GoingOn(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "results.jsonl"

    def results(self, **changes):
        return Results(self.path, {**MACHINE, **changes}, "full")

    def test_what_was_run_is_not_run_again(self):
        self.results().add(record("a/ws/bun/random"))
        again = self.results()
        self.assertTrue(again.done("a/ws/bun/random", 0))
        self.assertFalse(again.done("a/ws/bun/random", 1))

    def test_what_does_not_count_is_tried_again_and_not_for_ever(self):
        results = self.results()
        for changes, tries in (({"void": "x"}, 3), ({"failed": ["x"]}, 3), ({"disturbed": True}, 2)):
            key = f"a/ws/bun/{tries}{list(changes)[0]}"
            for _ in range(tries):
                self.assertFalse(results.done(key, 0))
                results.add(record(key, **changes))
            self.assertTrue(results.done(key, 0))

    def test_a_line_that_was_cut_off_is_run_again(self):
        self.results().add(record("a/ws/bun/random"))
        whole = self.path.read_text(encoding="utf-8")
        self.path.write_text(whole + '{"key": "a/ws/re', encoding="utf-8")
        again = self.results()
        again.add(record("a/ws/relay/random"))
        self.assertEqual([json.loads(line).get("key") for line in self.path.read_text().splitlines()],
                         [None, "a/ws/bun/random", "a/ws/relay/random"])

    def test_another_commit_begins_anew_but_can_be_reported_on(self):
        self.results().add(record("a/ws/bun/random"))
        report = Results(self.path, {**MACHINE, "commit": "def"}, "full", is_report=True)
        self.assertEqual((len(report.records), report.machine["commit"]), (1, "abc"))
        self.assertEqual(len(self.results(commit="def").records), 0)
        self.assertTrue(self.path.with_suffix(".before.jsonl").exists())

    def test_each_repetition_begins_with_another_server(self):
        path = SOURCE / "bench/relay/run"
        loader = importlib.machinery.SourceFileLoader("bench_relay_run", str(path))
        run = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench_relay_run", loader))
        loader.exec_module(run)
        cells = [cell for cell in make_cells("full") if cell.setting == "a"]
        turns = list(run.interleaved(cells, 3, "full"))
        self.assertEqual(len(turns), 3 * len(cells))
        firsts = [next(cell for cell, repetition in turns if repetition == number) for number in range(3)]
        self.assertEqual(len({cell.key for cell in firsts}), 3)
