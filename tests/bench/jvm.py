"""What a clerk waits for on the JVM: the Kotlin bridge and its models over the core in release."""

import json
import os
import statistics
import subprocess
from datetime import date, timedelta

from common import AS_OF, OUT, ROOT, Table, run, say

COLD_RUNS = 20


def measure(table: Table) -> None:
    """On the phone that the phone's half loaded, a day later: that half ended with a new day."""
    say("building the bridge and its models")
    subprocess.run(["cargo", "build", "--release", "--locked", "--quiet", "-p", "yaoban-bindings"], cwd=ROOT, check=True)
    subprocess.run([ROOT / "bindings/generate.sh"], cwd=ROOT, check=True)
    classpath = OUT / "jvm.classpath"
    subprocess.run(["mvn", "-B", "-ntp", "-q", "-Dkotlin.compiler.daemon=false", "-pl", "core-bridge,ui", "test-compile",
                    "dependency:build-classpath", f"-Dmdep.outputFile={classpath}"], cwd=ROOT / "android/host", check=True)
    ui = ROOT / "target/android/ui"
    day = date.fromisoformat(AS_OF) + timedelta(days=1)
    bench = ["java", f"-Djna.library.path={ROOT / 'target/release'}", "-Djava.awt.headless=true",
             "-cp", os.pathsep.join(map(str, (ui / "classes", ui / "test-classes", classpath.read_text().strip()))),
             "cn.yaoban.phone.BenchKt", OUT / "phone", day]
    cold = sorted(float(run(*bench, "cold", stdout=subprocess.PIPE)[2]) for _ in range(COLD_RUNS))
    table.add(f"JVM: cold start of the core to the first list (n = {COLD_RUNS})",
              f"p50 {statistics.median(cold):.0f} ms, max {cold[-1]:.0f} ms", "≤ 300 ms")
    for line in run(*bench, stdout=subprocess.PIPE)[2].splitlines():
        row = json.loads(line)
        table.add("JVM: " + row["figure"], row["measured"], row["target"])
