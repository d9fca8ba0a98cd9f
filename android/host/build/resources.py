#!/usr/bin/env python3
"""Android's resources without Gradle: resources.py (no arguments; the modules tools, libs and test-libs are built).

Merges the manifests, compiles and links the resources with aapt2, and writes one R class for the app and one for
each library, with that library's own fields. What it leaves in target/android/app:

AndroidManifest.xml, app.ap_      of the app: what the APK is made of
AndroidManifest-test.xml, test.ap_  with the tests' libraries: what Robolectric reads
aapt-rules.txt, R.txt             rules for R8; every resource with its number
generated-sources/r               R classes
"""
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
OUT = ROOT / "target/android"
APP = ROOT / "android/app/src/main"
HERE = OUT / "app"
# The same as in android/app/build.gradle.kts (versions.py compares).
PACKAGE, MIN_SDK, TARGET_SDK, VERSION_CODE, VERSION_NAME = "cn.yaoban.app", "26", "35", "1", "0.1.0"
RES = [APP / "res", ROOT / "target/texts/android/res"]

tools = (OUT / "tools/classpath.txt").read_text().strip()
platform = next(path for path in tools.split(":") if "/android-all-14-" in path)


def run(*command):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        sys.exit(f"{Path(str(command[0])).name} failed ({' '.join(map(str, command))[:300]} …):\n{done.stdout[-6000:]}")
    return done.stdout


def merge(out, libraries):
    properties = {"PACKAGE": PACKAGE, "MIN_SDK_VERSION": MIN_SDK, "TARGET_SDK_VERSION": TARGET_SDK,
                  "VERSION_CODE": VERSION_CODE, "VERSION_NAME": VERSION_NAME}
    out.unlink(missing_ok=True)
    said = run("java", "-cp", tools, "com.android.manifmerger.Merger", "--main", APP / "AndroidManifest.xml",
               "--libs", ":".join(str(library / "AndroidManifest.xml") for library in libraries),
               *(word for name, value in properties.items() for word in ("--property", f"{name}={value}")),
               "--remove-tools-declarations", "--out", out)
    if not out.exists():  # it says so, and ends with 0
        sys.exit(f"manifests could not be merged:\n{said}")


def compiled(folder, name, fresh):
    """The flat resources of a folder, if it has any. Those of a library never change."""
    if not folder.is_dir():
        return []
    flat = HERE / "flat" / f"{name}.zip"
    if fresh or not flat.exists():
        flat.parent.mkdir(parents=True, exist_ok=True)
        run(OUT / "tools/aapt2", "compile", "--dir", folder, "-o", flat)
    return [flat]


def link(out, manifest, flat, *options):
    run(OUT / "tools/aapt2", "link", "--auto-add-overlay", "--no-version-vectors", "-I", platform, "--manifest", manifest,
        "-o", out, *options, *(word for file in flat for word in ("-R", file)))


def write_r(package, names, values):
    """The R class of a package."""
    kinds = {}
    for kind, name in sorted(names):
        if (kind, name) in values:
            kinds.setdefault(kind, []).append("  public static final {} {} = {};\n".format(values[kind, name][0], name, values[kind, name][1]))
    body = "".join(f" public static final class {kind} {{\n{''.join(rows)} }}\n" for kind, rows in kinds.items())
    file = HERE / "generated-sources/r" / package.replace(".", "/") / "R.java"
    text = f"package {package};\npublic final class R {{\n{body}}}\n"
    if not file.exists() or file.read_text() != text:  # else the compiler would begin anew
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def resources(libraries, fresh=False):
    return [flat for library in libraries for flat in compiled(library / "res", library.name, fresh)]


def check_metadata(libraries):
    """Gradle refuses libraries that ask for a newer SDK or plugin than the build has: better seen here."""
    gradle = (ROOT / "android/app/build.gradle.kts").read_text() + (ROOT / "android/gradle/libs.versions.toml").read_text()
    has = {"minCompileSdk": re.search(r"compileSdk = (\d+)", gradle).group(1),
           "minAndroidGradlePluginVersion": re.search(r'^agp = "([\d.]+)"', gradle, re.M).group(1)}
    for file in (library / "META-INF/com/android/build/gradle/aar-metadata.properties" for library in libraries):
        for name, asked in re.findall(r"^(\w+)=([\d.]+)$", file.read_text() if file.exists() else "", re.M):
            if name in has and [int(x) for x in asked.split(".")] > [int(x) for x in has[name].split(".")]:
                sys.exit(f"{file.parts[-7]} asks for {name} {asked}; the Gradle build has {has[name]}")


libraries = sorted((OUT / "libs/exploded").glob("*/"))
for_tests = sorted((OUT / "test-libs/exploded").glob("*/"))
run(sys.executable, ROOT / "texts/generate.py")
check_metadata(libraries)
HERE.mkdir(parents=True, exist_ok=True)
own = [flat for number, folder in enumerate(RES) for flat in compiled(folder, f"own-{number}", fresh=True)]
merge(HERE / "AndroidManifest.xml", libraries)
merge(HERE / "AndroidManifest-test.xml", libraries + for_tests)
link(HERE / "app.ap_", HERE / "AndroidManifest.xml", resources(libraries) + own,
     "--output-text-symbols", HERE / "R.txt", "--emit-ids", HERE / "ids.txt", "--proguard", HERE / "aapt-rules.txt")
link(HERE / "test.ap_", HERE / "AndroidManifest-test.xml", resources(libraries + for_tests) + own, "--stable-ids", HERE / "ids.txt")

values = {}
for line in (HERE / "R.txt").read_text().splitlines():
    java_type, kind, name, value = line.split(" ", 3)
    values[kind, name] = java_type, value
names_of = {PACKAGE: set(values)}
for library in libraries + for_tests:
    package = ET.parse(library / "AndroidManifest.xml").getroot().get("package")
    symbols = library / "R.txt"
    if symbols.exists():
        rows = [line.split(" ", 3)[1:3] for line in symbols.read_text().splitlines() if line]
        if rows:
            names_of.setdefault(package, set()).update(map(tuple, rows))
for package, names in names_of.items():
    write_r(package, names, values)
print(f"resources: {len(libraries)} libraries, {len(names_of)} R classes, {len(values)} symbols")
