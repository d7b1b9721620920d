"""Tests the file moorage.exe: what it needs of Windows, what it tells Windows, and that it is always the same file."""
import os
import pathlib
import shutil
import subprocess

from pe import Image
from tap import expect, main, test

ROOT = pathlib.Path(__file__).resolve().parents[2]
ALLOWED = ROOT / "packaging/windows/imports.txt"
WINE = pathlib.Path("/usr/lib/x86_64-linux-gnu/wine/x86_64-windows")
PROGRAM = pathlib.Path(os.environ["MOORAGE"])
# Parts of Windows 10 and later: what a program that was built for UCRT (MSYS2) imports from.
UCRT = "api-ms-win-crt-"
VERSION, MANIFEST, ICON = 16, 24, 14


def image(path=PROGRAM):
    return Image(pathlib.Path(path).read_bytes())


def imported():
    return {(library, name) for library, names in image().imports().items() if not library.startswith(UCRT)
            for name in names}


def allowed():
    lines = [line.partition("#")[0].split() for line in ALLOWED.read_text().splitlines()]
    return {(line[0].lower(), name) for line in lines if line for name in line[1:]}


@test
def it_imports_only_what_was_found_good(_):
    libraries = {library for library, _ in imported()}
    expect(libraries <= {library for library, _ in allowed()} | {"msvcrt.dll"}, libraries)
    if any(library.startswith(UCRT) for library in image().imports()):
        return "the list is about the C library of Debian's mingw-w64, which needs other functions"
    surplus = {(library, name) for library, name in imported() - allowed() if library != "msvcrt.dll"}
    expect(not surplus, f"{sorted(surplus)} is not in {ALLOWED.name}: see there what may come in")
    return None


@test
def wine_has_all_of_it(_):
    if not WINE.is_dir():
        return "Wine is not here"
    for library, names in image().imports().items():
        there = image(WINE / library).exports()
        lost = [name for name in names if name not in there and not name.startswith("#")]
        expect(not lost, f"{library} of Wine lacks {lost}")
    return None


@test
def it_tells_windows_how_to_start_it(_):
    manifest = image().resources()[MANIFEST, 1].decode()
    for word in ['level="asInvoker"', ">UTF-8</activeCodePage>", ">true</longPathAware>",
                 "{8e0f7a12-bfb3-4fe8-b9a5-48fd50a15a9a}"]:
        expect(word in manifest, manifest)


@test
def it_has_an_icon_and_a_version(_):
    resources = image().resources()
    version = resources[VERSION, 1].decode("utf-16-le", "replace")
    for word in ["FileDescription", "why a port can't be bound", "moorage.exe"]:
        expect(word in version, version)
    expect(any(kind == ICON for kind, _ in resources), list(resources))


@test
def it_is_hardened(_):
    flags = image().flags
    for name, bit in {"HIGH_ENTROPY_VA": 0x20, "DYNAMIC_BASE": 0x40, "NX_COMPAT": 0x100}.items():
        expect(flags & bit, f"{name} is not set in {flags:#x}")


@test
def two_builds_give_the_same_bytes(_):
    if not os.environ.get("MOORAGE_RUNNER"):
        return "only the build on Linux promises it"
    folder = ROOT / "build-again"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        done = subprocess.run([ROOT / "tools/windows.sh", "--folder", folder.name, PROGRAM.name], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        expect(done.returncode == 0, done.stdout.decode())
        expect((folder / PROGRAM.name).read_bytes() == PROGRAM.read_bytes(), "another build gives other bytes")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return None


main()
