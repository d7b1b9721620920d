"""What the tests of the tools share: functions that are tests, each given an empty folder, and TAP output.

A test that returns a text was skipped; the text says why.
"""
import sys
import tempfile

_tests = []


def test(function):
    _tests.append(function)
    return function


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def main():
    failed = 0
    print(f"1..{len(_tests)}")
    for number, function in enumerate(_tests, 1):
        skipped = None
        with tempfile.TemporaryDirectory(prefix="moorage-tools.") as folder:
            try:
                skipped = function(folder)
                good = True
            except AssertionError as problem:
                good = False
                print("# " + str(problem).replace("\n", "\n# "))
        print("ok" if good else "not ok", number, function.__name__ + (f" # SKIP {skipped}" if skipped else ""), flush=True)
        failed += not good
    sys.exit(1 if failed else 0)
