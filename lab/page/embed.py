#!/usr/bin/env python3
"""Writes a text file as a string constant in C: embed.py FILE"""
import json
import re
import sys
from pathlib import Path


def main():
    path = Path(sys.argv[1])
    name = 'lab_page_' + re.sub(r'\W', '_', path.name)
    lines = '\n'.join('\t' + json.dumps(line) for line in path.read_text('ascii').splitlines(True))
    print(f'#include "lab/pages.h"\n\nconst char {name}[] =\n{lines};')


if __name__ == '__main__':
    main()
