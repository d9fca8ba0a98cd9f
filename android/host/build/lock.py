#!/usr/bin/env python3
"""Resolves AndroidX as Gradle does and writes flat lock files, and the poms of the modules that hold them.

lock.py          roots.txt -> libs.lock, test-roots.txt -> test-libs.lock, both -> ../libs/pom.xml, ../test-libs/pom.xml
lock.py --check  fails unless the poms are what the lock files give

The highest version wins and groups are aligned by pins; Maven only downloads. A line of a lock file is
GROUP:ARTIFACT:TYPE:VERSION SHA256. The artifacts go into Maven's local repository (or $M2).
"""
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = Path(os.environ.get("M2", Path.home() / ".m2/repository"))
POM = "{http://maven.apache.org/POM/4.0.0}"
# Android takes JNA's AAR, whose pom says jar.
AAR_ALL_THE_SAME = {("net.java.dev.jna", "jna")}
NOTHING_ELSE = "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>"


def dependency(group, artifact, version, kind):
    of_kind = "" if kind == "jar" else f"<type>{kind}</type>"
    return (f"<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>"
            f"<version>{version}</version>{of_kind}{NOTHING_ELSE}</dependency>")


def in_repository(group, artifact, version, kind):
    return REPOSITORY / group.replace(".", "/") / artifact / version / f"{artifact}-{version}.{kind}"


def rank(version):
    return [(1, int(x)) if x.isdigit() else (0, x) for x in re.split(r"[.\-]", version)] + [(0.5,)]


def read_lock(path):
    return [tuple(line.split()[0].split(":")) for line in path.read_text().splitlines() if line]


class Roots:
    """A roots file: what is wanted, and at which versions whatever a pom asks for."""

    def __init__(self, path, over=None, locked=()):
        self.pins, self.wanted = dict(over.pins) if over else {}, []
        for line in path.read_text().splitlines():
            words = line.split("#")[0].split()
            if not words:
                continue
            if words[0] == "pin":
                self.pins[words[1]] = words[2]
            elif words[0] == "drop":
                self.pins[words[1]] = None
            else:
                self.wanted.append(tuple(words[0].split(":")))
        for group, artifact, _, version in locked:
            self.pins.setdefault(f"{group}:{artifact}", version)

    def version(self, group, artifact, asked):
        return self.pins.get(f"{group}:{artifact}", self.pins.get(group, asked))


class Resolver:
    def __init__(self):
        self.missing, self.poms = set(), {}

    def fetch(self, artifacts):
        """One run of Maven for a batch, which resolves nothing by itself. No artifact may occur twice."""
        artifacts = [a for a in artifacts if a not in self.missing]
        if not artifacts:
            return
        with tempfile.TemporaryDirectory() as folder:
            pom = Path(folder) / "pom.xml"
            pom.write_text(
                '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
                "<groupId>lock</groupId><artifactId>lock</artifactId><version>1</version><packaging>pom</packaging>"
                f"<dependencies>{''.join(dependency(*a) for a in artifacts)}</dependencies></project>")
            subprocess.run(["mvn", "-B", "-q", f"-Dmaven.repo.local={REPOSITORY}", "-f", pom,
                            "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:resolve"],
                           stdout=subprocess.DEVNULL, check=False)
        self.missing |= {a for a in artifacts if not in_repository(*a).exists()}

    def dependencies(self, group, artifact, version):
        """Packaging and run-time dependencies, or None while the pom is not here."""
        key = group, artifact, version
        if key not in self.poms:
            path = in_repository(*key, "pom")
            if not path.exists():
                return None
            pom = ET.parse(path).getroot()
            found = []
            for node in pom.findall(f"{POM}dependencies/{POM}dependency"):
                text = {child.tag.removeprefix(POM): child.text for child in node}
                if text.get("scope") in ("test", "provided", "system") or text.get("optional") == "true" or text.get("classifier"):
                    continue
                asked = (text.get("version") or "").strip("[]()").split(",")[0]
                found.append((text["groupId"], text["artifactId"], asked))
            self.poms[key] = pom.findtext(f"{POM}packaging") or "jar", found
        return self.poms[key]

    def select(self, roots):
        """The version of each artifact, highest first, once every pom is here."""
        while True:
            chosen, queue, need = {}, [], set()

            def want(group, artifact, asked, by):
                version = roots.version(group, artifact, asked)
                if version is None:
                    return
                if not version or "$" in version:
                    sys.exit(f"{by} asks for {group}:{artifact} without a version: pin it in the roots file")
                if (group, artifact) not in chosen or rank(version) > rank(chosen[group, artifact]):
                    chosen[group, artifact] = version
                    queue.append((group, artifact))

            for root in roots.wanted:
                want(*root, "the roots file")
            while queue:
                key = queue.pop(0)
                read = self.dependencies(*key, chosen[key])
                if read is None:
                    need.add((*key, chosen[key], "pom"))
                    continue
                for found in read[1]:
                    want(*found, ":".join(key))
            need -= self.missing
            if not need:
                return chosen
            print(f"fetching {len(need)} poms", flush=True)
            self.fetch(sorted(need))

    def lock(self, roots, lock_file, base=()):
        chosen = self.select(roots)
        reached, stack = set(), [root[:2] for root in roots.wanted]
        while stack:
            key = stack.pop()
            if key in reached or key not in chosen:
                continue
            reached.add(key)
            read = self.dependencies(*key, chosen[key])
            stack += [found[:2] for found in read[1]] if read else []
        locked = []
        for group, artifact in sorted(reached - {a[:2] for a in base}):
            read = self.dependencies(group, artifact, chosen[group, artifact])
            # The root of a multiplatform library is an empty jar: its variant has the code.
            variant = any((group, artifact + suffix) in reached for suffix in ("-android", "-jvm"))
            other = artifact.endswith("-jvm") and (group, artifact[:-4] + "-android") in reached
            if not read or read[0] == "pom" or variant or other:
                continue
            kind = "aar" if read[0] == "aar" or (group, artifact) in AAR_ALL_THE_SAME else "jar"
            locked.append((group, artifact, kind, chosen[group, artifact]))
        self.fetch([(g, a, v, k) for g, a, k, v in locked])
        if self.missing:
            sys.exit("the configured repositories do not have:\n  " + "\n  ".join(":".join(m) for m in sorted(self.missing)))
        lines = []
        for group, artifact, kind, version in locked:
            digest = hashlib.sha256(in_repository(group, artifact, version, kind).read_bytes()).hexdigest()
            lines.append(f"{group}:{artifact}:{kind}:{version} {digest}\n")
        lock_file.write_text("".join(lines))
        print(f"{lock_file.name}: {len(lines)} artifacts")
        return locked


def module(name, what):
    dependencies = "".join(
        f"    {dependency(g, a, v, k)}\n" for g, a, k, v in read_lock(HERE / f"{name}.lock"))
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<!-- {what} Written by ../build/lock.py: do not edit. -->
<project xmlns="http://maven.apache.org/POM/4.0.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
         xsi:schemaLocation="http://maven.apache.org/POM/4.0.0 http://maven.apache.org/xsd/maven-4.0.0.xsd">
  <modelVersion>4.0.0</modelVersion>
  <parent>
    <groupId>cn.yaoban</groupId>
    <artifactId>android-host</artifactId>
    <version>0.1.0</version>
  </parent>
  <artifactId>{name}</artifactId>

  <properties>
    <skipTests>true</skipTests>
  </properties>

  <dependencies>
{dependencies}  </dependencies>

  <build>
    <directory>${{root}}/target/android/{name}</directory>
    <plugins>
      <plugin>
        <groupId>org.codehaus.mojo</groupId>
        <artifactId>exec-maven-plugin</artifactId>
        <executions>
          <execution>
            <id>explode</id><phase>process-resources</phase><goals><goal>exec</goal></goals>
            <configuration>
              <executable>python3</executable>
              <arguments>
                <argument>${{root}}/android/host/build/explode.py</argument>
                <argument>${{root}}/android/host/build/{name}.lock</argument>
                <argument>${{settings.localRepository}}</argument>
                <argument>${{project.build.directory}}</argument>
              </arguments>
            </configuration>
          </execution>
        </executions>
      </plugin>
    </plugins>
  </build>
</project>
"""


POMS = {
    "libs": "Jetpack and what it needs: the artifacts of ../build/libs.lock.",
    "test-libs": "What the tests of the app need over that: the artifacts of ../build/test-libs.lock.",
}

if sys.argv[1:] == ["--check"]:
    old = [name for name, what in POMS.items() if (HERE.parent / name / "pom.xml").read_text() != module(name, what)]
    if old:
        sys.exit(f"android/host/{', '.join(old)}: the pom is not what the lock file gives; run android/host/build/lock.py")
else:
    resolver = Resolver()
    roots = Roots(HERE / "roots.txt")
    libs = resolver.lock(roots, HERE / "libs.lock")
    resolver.lock(Roots(HERE / "test-roots.txt", roots, libs), HERE / "test-libs.lock", libs)
    for name, what in POMS.items():
        (HERE.parent / name).mkdir(exist_ok=True)
        (HERE.parent / name / "pom.xml").write_text(module(name, what))
