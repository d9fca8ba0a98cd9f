#!/usr/bin/env python3
"""Draws a recorded terminal text as an SVG picture: terminal-svg.py TITLE < text > picture.svg

Characters of double width take two cells, so columns stand as they do in a terminal."""

import html
import re
import sys
import unicodedata

CELL, LINE, PAD, BAR = 8.4, 20, 16, 34
COLOURS = {"31": "#ff7b72", "32": "#7ee787", "33": "#e3b341", "1": "#ffffff", "2": "#8b949e", "36": "#79c0ff"}


def cells(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def spans(line):
    """Pieces of one style: (style, text)."""
    style = ""
    for piece in re.split(r"(\x1b\[[0-9;]*m)", line):
        if piece.startswith("\x1b["):
            codes = [c for c in piece[2:-1].split(";") if c and c != "0"]
            style = next((COLOURS[c] for c in reversed(codes) if c in COLOURS), "")
        elif piece:
            yield style, piece


def text_element(line, y):
    out, x = [], 0
    for style, piece in spans(line):
        # One element a run of equal width, so that no font can push the next column away.
        for run in re.findall(r"[\u1100-\uffff]+|[^\u1100-\uffff]+", piece):
            width = cells(run)
            colour = f' fill="{style}"' if style else ""
            if run.strip():
                out.append(
                    f'<text x="{PAD + x * CELL:.1f}" y="{y}"{colour} textLength="{width * CELL:.1f}" '
                    f'lengthAdjust="spacingAndGlyphs" xml:space="preserve">{html.escape(run)}</text>'
                )
            x += width
    return "".join(out)


def main():
    title = sys.argv[1] if len(sys.argv) > 1 else ""
    lines = sys.stdin.read().rstrip("\n").expandtabs(8).split("\n")
    width = max(60, max(cells(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in lines)) * CELL + 2 * PAD
    height = BAR + len(lines) * LINE + 2 * PAD
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" viewBox="0 0 {width:.0f} {height}" '
          'font-family="ui-monospace, Menlo, Consolas, \'Noto Sans Mono CJK SC\', \'PingFang SC\', monospace" font-size="14" fill="#d6dde6">')
    print(f'<rect width="100%" height="100%" rx="10" fill="#0d1117"/><rect width="100%" height="{BAR}" rx="10" fill="#1f2630"/>')
    for i, colour in enumerate(("#ff5f56", "#ffbd2e", "#27c93f")):
        print(f'<circle cx="{20 + 20 * i}" cy="{BAR / 2}" r="6" fill="{colour}"/>')
    print(f'<text x="{width / 2:.0f}" y="22" text-anchor="middle" fill="#8b949e">{html.escape(title)}</text>')
    for i, line in enumerate(lines):
        print(text_element(line, BAR + PAD + (i + 1) * LINE - 6))
    print("</svg>")


main()
