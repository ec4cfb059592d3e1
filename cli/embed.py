#!/usr/bin/env python3
"""Writes files as C arrays of text.

    embed.py OUT.c NAME=FILE...        each becomes `const char cli_asset_NAME[]`, terminated
"""
import sys
from pathlib import Path


def array_of(name, path):
    numbers = [str(byte if byte < 128 else byte - 256) for byte in Path(path).read_bytes()] + ['0']
    rows = [','.join(numbers[at:at + 32]) for at in range(0, len(numbers), 32)]
    return f'const char cli_asset_{name}[] = {{\n' + ',\n'.join(rows) + '\n};\n'


def main():
    out, *assets = sys.argv[1:]
    text = '/* Made by cli/embed.py when Keepline is built. */\n#include "cli/simulate_assets.h"\n\n'
    for asset in assets:
        name, path = asset.split('=', 1)
        text += array_of(name, path)
    Path(out).write_text(text, encoding='ascii')


if __name__ == '__main__':
    main()
