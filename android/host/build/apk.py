#!/usr/bin/env python3
"""Packs, signs and verifies an APK: apk.py debug|release (the module app is compiled).

debug goes through D8; release through R8 with every rule that Gradle would give it. The signature is the one of
YAOBAN_KEYSTORE (PKCS#12), YAOBAN_KEY_ALIAS and YAOBAN_KEYSTORE_PASSWORD; without them a key made here, good for nothing but
trying out. Without the core for Android (make package-android, which needs the NDK) the APK cannot run: its name says
`without-core`.
"""
import os
import re
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import artifacts

ROOT = Path(__file__).resolve().parents[3]
OUT = ROOT / "target/android"
APP = OUT / "app"
MIN_SDK = "26"
ABIS = ("arm64-v8a", "armeabi-v7a", "x86_64", "x86")
PAGE = 16384
PERMISSIONS = {"INTERNET", "ACCESS_NETWORK_STATE", "CALL_PHONE", "SEND_SMS", "POST_NOTIFICATIONS", "CAMERA", "USE_BIOMETRIC",
               # Of WorkManager.
               "WAKE_LOCK", "RECEIVE_BOOT_COMPLETED", "FOREGROUND_SERVICE"}
# What a JAR brings along and Android never reads.
NOT_PACKED = re.compile(r"META-INF/(?!services/)|.*\.kotlin_(module|builtins|metadata)$|DebugProbesKt\.bin"
                        r"|kotlin-tooling-metadata|com/sun/jna/.*|.*\.proto$")

mode = sys.argv[1]
work = APP / f"apk-{mode}"
work.mkdir(parents=True, exist_ok=True)
tools = (OUT / "tools/classpath.txt").read_text().strip()
classpath = [Path(path) for path in (APP / "classpath.txt").read_text().strip().split(":")]
android = next(path for path in classpath if path.name.startswith("android-all-15"))
repository = android.parents[4]
java_home = Path(subprocess.run(["java", "-XshowSettings:properties", "-version"], capture_output=True, text=True, check=True)
                 .stderr.split("java.home = ")[1].split("\n")[0])


def run(*command, environment=None):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          env={**os.environ, **(environment or {})})
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))[-400:]}\n{done.stdout[-5000:]}")
    return done.stdout


def packed(folder, name):
    jar = work / name
    with zipfile.ZipFile(jar, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder))
    return jar


def code():
    """The program: what is ours, the AARs' classes, the libraries' jars; as dex files in a zip."""
    jars = [packed(APP / "classes", "app.jar"), packed(OUT / "core-bridge/classes", "core-bridge.jar"),
            packed(OUT / "libs/classes", "aars.jar")]
    locked = artifacts.verified(repository, Path(__file__).parent / "libs.lock")
    jars += [file for name, file in locked.items() if file.suffix == ".jar"]
    zipped = work / "code.zip"
    # android-all has no java.* of its own: that of the JDK, which animal-sniffer has held to API 26.
    common = ["--min-api", MIN_SDK, "--lib", android, "--lib", java_home, "--output", zipped]
    if mode == "debug":
        run("java", "-Xmx3g", "-cp", tools, "com.android.tools.r8.D8", "--debug", *common, *jars)
    else:
        rules = [APP / "aapt-rules.txt", ROOT / "android/app/proguard-rules.pro", ROOT / "android/core-bridge/consumer-rules.pro",
                 *sorted((OUT / "libs/exploded").glob("*/proguard.txt"))]
        run("java", "-Xmx4g", "-cp", tools, "com.android.tools.r8.R8", "--release", *common, "--pg-map-output", work / "mapping.txt",
            *(word for file in rules for word in ("--pg-conf", file)), *jars)
    return zipped, jars


def assembled(zipped, jars):
    """Everything in one file, not yet aligned. Returns it and whether the core is in it."""
    libraries = sorted((OUT / "libs/exploded").glob("*/jni/*/*.so")) + sorted((ROOT / "target/package/android/jni").glob("*/*.so"))
    taken = set()
    unsigned = work / "unsigned.apk"
    with zipfile.ZipFile(unsigned, "w") as apk:
        def add(name, content, method):
            if name not in taken:
                taken.add(name)
                # A fixed time: the same sources give the same bytes.
                apk.writestr(zipfile.ZipInfo(name, (1981, 1, 1, 1, 1, 2)), content, method, 9)

        with zipfile.ZipFile(APP / "app.ap_") as resources:
            for entry in resources.infolist():
                add(entry.filename, resources.read(entry), entry.compress_type)
        # R8 carries the jars' other files along, D8 does not.
        for source in [zipped, *(jars if mode == "debug" else [])]:
            with zipfile.ZipFile(source) as archive:
                for entry in archive.infolist():
                    if not entry.is_dir() and not entry.filename.endswith(".class") and not NOT_PACKED.match(entry.filename):
                        add(entry.filename, archive.read(entry), zipfile.ZIP_DEFLATED)
        for library in libraries:
            if library.parent.name in ABIS:
                add(f"lib/{library.parent.name}/{library.name}", library.read_bytes(), zipfile.ZIP_STORED)
    return unsigned, all(f"lib/{abi}/libyaoban.so" in taken for abi in ABIS)


def signed(unsigned, whole):
    apk = OUT / "apk" / f"yaoban-{mode}{'' if whole else '-without-core'}.apk"
    apk.parent.mkdir(exist_ok=True)
    store, alias = os.environ.get("YAOBAN_KEYSTORE"), os.environ.get("YAOBAN_KEY_ALIAS", "debug")
    environment = {}
    if not store:
        store, alias, environment = OUT / "apk/debug.p12", "debug", {"YAOBAN_KEYSTORE_PASSWORD": "android"}
        if not store.exists():
            run("keytool", "-genkeypair", "-keystore", store, "-storetype", "PKCS12", "-storepass", "android", "-alias", alias,
                "-keyalg", "RSA", "-keysize", "2048", "-validity", "10000", "-dname", "CN=debug")
    print(run("java", "-cp", tools, Path(__file__).parent / "Sign.java", unsigned, apk, store, alias, MIN_SDK,
              environment=environment).strip())
    return apk


def verified(apk):
    """What the system, or a store, would refuse."""
    aapt2 = OUT / "tools/aapt2"
    badging = run(aapt2, "dump", "badging", apk)
    expected = ["package: name='cn.yaoban.app'", f"dkVersion:'{MIN_SDK}'", "targetSdkVersion:'35'", "application-label:'药伴'",
                "application-label-en:'Yaoban'", "launchable-activity: name='cn.yaoban.app.MainActivity'"]
    wrong = [f"no {what} in its manifest" for what in expected if what not in badging]
    asked = set(re.findall(r"uses-permission: name='android\.permission\.(\w+)'", badging))
    wrong += [f"permission {name}: {'not declared' if name in PERMISSIONS else 'not expected'}" for name in sorted(asked ^ PERMISSIONS)]
    manifest = run(aapt2, "dump", "xmltree", apk, "--file", "AndroidManifest.xml")
    for attribute, value in (("allowBackup", "false"), ("extractNativeLibs", "false")):
        if not re.search(rf"{attribute}\(0x[0-9a-f]+\)={value}", manifest):
            wrong.append(f"{attribute} is not {value}")
    if "debuggable" in manifest:
        wrong.append("it is debuggable")
    with zipfile.ZipFile(apk) as archive, open(apk, "rb") as file:
        names = archive.namelist()
        wrong += [f"no {name} in it" for name in ("classes.dex", "resources.arsc") if name not in names]
        for entry in archive.infolist():
            file.seek(entry.header_offset + 26)
            name_bytes, extra_bytes = struct.unpack("<HH", file.read(4))
            at = entry.header_offset + 30 + name_bytes + extra_bytes
            step = PAGE if entry.filename.endswith(".so") else 4
            if entry.compress_type == zipfile.ZIP_STORED and at % step:
                wrong.append(f"{entry.filename} begins at {at}, not at a multiple of {step}")
            if entry.filename.endswith(".so"):
                if entry.compress_type != zipfile.ZIP_STORED:
                    wrong.append(f"{entry.filename} is compressed")
                wrong += [f"{entry.filename}: a segment is aligned to {align}" for align in segments(archive.read(entry)) if align < PAGE]
    if wrong:
        sys.exit(f"{apk.name}:\n  " + "\n  ".join(wrong))
    return sum(name.endswith(".dex") for name in names), len(names)


def segments(elf):
    """The alignments of the loaded segments of a 64-bit library; 32-bit systems have small pages."""
    if elf[4] != 2:
        return []
    offset, = struct.unpack_from("<Q", elf, 32)
    size, count = struct.unpack_from("<HH", elf, 54)
    headers = [struct.unpack_from("<IIQQQQQQ", elf, offset + number * size) for number in range(count)]
    return [header[7] for header in headers if header[0] == 1]


unsigned, whole = assembled(*code())
apk = signed(unsigned, whole)
dexes, entries = verified(apk)
print(f"{apk.relative_to(ROOT)}: {apk.stat().st_size} bytes, {entries} entries, {dexes} dex files; manifest, resources, alignment: sound")
if not whole:
    print("  It holds no core and cannot run: that needs the NDK (make package-android says what is missing).")
