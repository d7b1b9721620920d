"""Tests how tools/test.py counts: a number of its last line must never be better than what happened."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

import test as counting  # noqa: E402 (the path comes first)

# What a program printed, how Meson judged it, and what its part of the last line is.
CASES = [
    ("each_test_counts", "1..2\nok 1 a\nok 2 - b\n", "OK", "2 passed, 0 failed"),
    ("a_failed_test_counts", "1..2\nok 1 a\nnot ok 2 b\n", "FAIL", "1 passed, 1 failed"),
    ("a_program_that_dies_early_failed", "1..3\nok 1 a\n", "ERROR", "1 passed, 1 failed"),
    ("a_program_that_dies_late_failed", "1..1\nok 1 a\n", "ERROR", "1 passed, 1 failed"),
    ("a_program_that_hangs_failed", "1..2\nok 1 a\n", "TIMEOUT", "1 passed, 1 failed"),
    ("a_program_without_tests_failed", "", "OK", "0 passed, 1 failed"),
    ("too_few_tests_are_a_failure", "1..2\nok 1 a\n", "OK", "1 passed, 1 failed"),
    ("a_skipped_test_did_not_pass", "1..2\nok 1 a # SKIP needs root\nok 2 b\n", "OK", "1 passed, 0 failed, 1 skipped"),
    ("a_skipped_program_did_not_pass", "1..0 # SKIP no kernel\n", "SKIP", "0 passed, 0 failed, 1 skipped"),
    ("comments_are_no_tests", "1..1\n# not ok 7\nok 1 a\n", "OK", "1 passed, 0 failed"),
    ("a_plan_may_come_last", "ok 1 a\nok 2 b\n1..2\n", "OK", "2 passed, 0 failed"),
]

failures = 0
print(f"1..{len(CASES)}")
for number, (name, output, result, want) in enumerate(CASES, 1):
    count = counting.Count()
    count.add({"name": name, "stdout": output, "result": result})
    good = count.line() == want and bool(count.problems) == (count.failed > 0)
    failures += not good
    if not good:
        print(f"# got {count.line()}, want {want}")
    print("ok" if good else "not ok", number, name)
sys.exit(failures > 0)
