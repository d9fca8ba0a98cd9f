#!/usr/bin/env python3
"""Makes the shells' texts out of the one catalogue, into target/texts (which git ignores).

The catalogue: `texts/{zh,en}.json` hold what only the shells say; the texts of codes (classes, outcomes, reasons of
the gate, refusals, ...) come from the terminal's catalogue, the names of diseases from core/domain. A text may hold
places in braces, `{name}`. A key of the terminal's is written again here only where the terminal's text names its
commands.

    generate.py            writes Android's resources, iOS's catalogue, and what the host build reads
    generate.py --check    fails on keys or places that one language lacks, on keys that a shell asks for and nobody
                           has, on texts that no shell asks for, and on a command of the terminal in a shell's text
"""
import json
import re
import sys
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "target/texts"
LANGUAGES = ("zh", "en")
# Groups of the terminal's catalogue that the shells use.
TERMINAL_GROUPS = set("""care carrier channel class consent context date expected field finding gate grade kind locked
    mark medicine op op_state origin outcome price purpose queue_state  recorded recording_reason recording_state
    refused role say send severity sex doctor_finding task_kind task_state testing wait why""".split())
# Texts of these groups that are sentences of the terminal, not codes.
TERMINAL_ONLY = {"consent.none", "consent.of", "outcome.done", "outcome.follow_up", "outcome.list_next",
                 "outcome.next", "outcome.stock", "outcome.taken_back", "outcome.visit", "outcome.which_medicine",
                 "refused.home", "refused.json", "refused.key_stays", "refused.nobody", "refused.not_recorded",
                 "refused.number", "refused.rule_file", "refused.several", "refused.several_medicines",
                 "refused.several_staff", "refused.shift", "refused.shown_list", "refused.staff"}
# Texts of its other groups that say in a shell what they say there.
TERMINAL_KEYS = {f"{group}.{name}" for group, names in {
    "show": """age allergies brand deceased do_not_contact end_unknown inactive medicines never never_came no_phone
        paused pdc phone_invalid recency rhythm say stock""",
    "sync": "checking connecting indexing loading pulling pushing",
    "tasks": "attempts back end medicine_end none_done none_later none_overdue nudged off",
}.items() for name in names.split()}
# Of a text: a command or option of the terminal.
COMMAND = re.compile(r"yaoban-clerk|(?<![\w-])--[a-z]")
# What iOS itself shows of the app, by the key of its Info.plist.
INFO_PLIST = {"CFBundleDisplayName": "app.name", "NSCameraUsageDescription": "system.camera",
              "NSFaceIDUsageDescription": "signin.recognise", "NSLocalNetworkUsageDescription": "system.local_network"}
PLACE = re.compile(r"\{(\w+)\}")
# Where the core names texts that a shell says: two words after each other, group and code.
CORE = ROOT / "core/clerk/src/facade"
# Where shells ask for texts.
SOURCES = [(ROOT / "android", "*.kt"), (ROOT / "ios", "*.swift")]


def read(path):
    """A file of texts; a key written twice is a mistake."""
    def once(pairs):
        keys = [key for key, _ in pairs]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            sys.exit(f"{path}: written twice: {', '.join(sorted(twice))}")
        return dict(pairs)
    return json.loads(path.read_text(), object_pairs_hook=once)


def diseases():
    """Codes and Chinese names of core/domain; the code itself is the English name."""
    source = (ROOT / "core/domain/src/disease.rs").read_text()
    constants = dict(re.findall(r'pub const (\w+): &str = "(\w+)"', source))
    table = source[source.index("pub const ALL"):]
    rows = re.findall(r'(?:chronic|passing)\(\s*("?)(\w+)"?,\s*"([^"]+)"', table)
    named = {(code if quote else constants[code]): name for quote, code, name in rows}
    if len(named) < 20:
        sys.exit("core/domain/src/disease.rs is not written as generate.py expects")
    return {"zh": {f"disease.{code}": name for code, name in named.items()},
            "en": {f"disease.{code}": code.replace("_", " ") for code in named}}


def catalogue():
    """By language: the shells' own texts, and all of them."""
    of_domain = diseases()
    own, whole = {}, {}
    for language in LANGUAGES:
        terminal = read(ROOT / f"core/terminal/texts/{language}.json")
        own[language] = read(ROOT / f"texts/{language}.json")
        taken = {key: text for key, text in terminal.items()
                 if key in TERMINAL_KEYS or key.split(".")[0] in TERMINAL_GROUPS and key not in TERMINAL_ONLY}
        whole[language] = taken | of_domain[language] | own[language]
        again = [key for key in own[language] if key in taken and not COMMAND.search(taken[key])]
        if again:
            sys.exit(f"texts/{language}.json: written in core/terminal/texts too: {', '.join(again)}")
    return own, whole


def asked():
    """Keys that the shells' sources ask for, words in them that may be keys, and groups of codes."""
    literals, groups, seen, sources = set(), set(), set(), ""
    for folder, pattern in SOURCES:
        for path in folder.rglob(pattern):
            if "/test/" in path.as_posix() or "/Tests/" in path.as_posix():
                continue
            text = path.read_text()
            sources += text
            # A key may stand apart from the call that asks for it; outside of the screens it may be something else.
            words = set(re.findall(r'"([a-z_]+(?:\.[a-z_0-9]+)+)"', text))
            seen |= words
            screens = "/ui/src/main/" in path.as_posix() or "/Sources/ClerkUI/" in path.as_posix()
            literals |= words if screens else set()
            literals |= set(re.findall(r'texts(?:\.find\(|\[|\.get\()\s*"([\w.]+)"', text))
            groups |= set(re.findall(r'(?:\.code|\bsaid)\(\s*"(\w+)",', text))
    # A key that is put together: "group.$code" in Kotlin, "group.\(code)" in Swift.
    prefixes = set(re.findall(r'"([a-z_]+)\.(?:\$|\\\()', sources))
    return literals, seen, groups | prefixes


def said_by_core():
    """Keys that the core's facade names, and groups of codes."""
    sources = "".join(path.read_text() for path in CORE.glob("*.rs"))
    keys = {f"{group}.{code}" for group, code in re.findall(r'"([a-z_]+)",\s*"([a-z_]+)"', sources)}
    return keys, set(re.findall(r'(?:Say::of\(|group: )"(\w+)", *(?:code\b|\n)', sources))


def check():
    """What is wrong with the catalogue, as lines."""
    own, whole = catalogue()
    wrong = []
    zh, en = whole["zh"], whole["en"]
    wrong += [f"{key}: missing in {'en' if key in zh else 'zh'}" for key in sorted(zh.keys() ^ en.keys())]
    wrong += [f"{key}: other places in en than in zh" for key in sorted(zh.keys() & en.keys())
              if sorted(PLACE.findall(zh[key])) != sorted(PLACE.findall(en[key]))]
    for language in LANGUAGES:
        wrong += [f"{key} ({language}): names a command of the terminal"
                  for key, text in whole[language].items() if COMMAND.search(text)]
        wrong += [f"{key} ({language}): empty" for key, text in whole[language].items() if not text.strip()]
    wrong += [f"{key}: no Chinese in it" for key, text in own["zh"].items()
              if not re.search(r"[\u4e00-\u9fff]", text) and re.search(r"[A-Za-z]{3}", PLACE.sub("", text))]
    literals, seen, groups = asked()
    of_core, groups_of_core = said_by_core()
    seen, groups = seen | of_core, groups | groups_of_core
    used = {key.split(".")[0] for key in zh}
    wrong += [f"{key}: asked for, but nobody has it" for key in sorted(literals)
              if key.split(".")[0] in used and key not in zh]
    wrong += [f"{group}.*: asked for, but nobody has it" for group in sorted(groups - used)]
    wrong += [f"{key}: no shell asks for it" for key in sorted(own["zh"])
              if key not in literals | seen | set(INFO_PLIST.values()) and key.split(".")[0] not in groups | TERMINAL_GROUPS]
    return wrong


def resource(key):
    """The name of a text among Android's resources."""
    return key.replace(".", "__")


def android(texts):
    """An Android resource file. Places stay in braces: `Texts` fills them by name."""
    def quoted(text):
        text = escape(text).replace("\\", "\\\\").replace("'", "\\'").replace('"', '\\"').replace("\n", "\\n")
        return f'"{text}"' if text != text.strip() or "  " in text else text
    lines = [f'    <string name="{resource(key)}" formatted="false" translatable="true">{quoted(text)}</string>'
             .replace(' translatable="true"', "") for key, text in sorted(texts.items())]
    lines.append(f'    <string name="app_name">{quoted(texts["app.name"])}</string>')
    head = '<?xml version="1.0" encoding="utf-8"?>\n<!-- Written by texts/generate.py; do not edit. -->\n<resources>\n'
    return head + "\n".join(lines) + "\n</resources>\n"


def android_ids(keys):
    """Kotlin for the app: the resource of each key, so that the shrinker sees what is used."""
    rows = "\n".join(f'            "{key}" to R.string.{resource(key)},' for key in sorted(keys))
    return f"""// Written by texts/generate.py; do not edit.
package cn.yaoban.app

/** The Android resource of each text. */
internal object TextIds {{
    val byKey: Map<String, Int> =
        mapOf(
{rows}
        )
}}
"""


def ios(whole, names):
    """A string catalogue of Xcode: its names, and the key of the text of each."""
    def entry(key):
        localized = {("zh-Hans" if language == "zh" else language):
                     {"stringUnit": {"state": "translated", "value": whole[language][key]}} for language in LANGUAGES}
        return {"extractionState": "manual", "localizations": localized}
    strings = {name: entry(key) for name, key in sorted(names.items())}
    return json.dumps({"sourceLanguage": "zh-Hans", "strings": strings, "version": "1.0"}, ensure_ascii=False, indent=2)


def properties(texts):
    """A Java properties file in UTF-8."""
    def quoted(text):
        text = text.replace("\\", "\\\\").replace("\n", "\\n")
        return "\\" + text if text.startswith(" ") else text
    return "".join(f"{key}={quoted(text)}\n" for key, text in sorted(texts.items()))


def write(path, text):
    """Writes only what changed, so that builds see what is new."""
    path = OUT / path
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def main():
    if sys.argv[1:] == ["--check"]:
        wrong = check()
        if wrong:
            sys.exit("texts:\n  " + "\n  ".join(wrong))
        return
    if sys.argv[1:]:
        sys.exit(__doc__)
    _, whole = catalogue()
    write("android/res/values/strings.xml", android(whole["zh"]))
    write("android/res/values-en/strings.xml", android(whole["en"]))
    write("android/kotlin/cn/yaoban/app/TextIds.kt", android_ids(whole["zh"]))
    write("ios/Localizable.xcstrings", ios(whole, {key: key for key in whole["zh"]}))
    write("ios/InfoPlist.xcstrings", ios(whole, INFO_PLIST))
    for language in LANGUAGES:
        write(f"host/{language}.properties", properties(whole[language]))


main()
