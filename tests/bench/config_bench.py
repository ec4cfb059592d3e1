#!/usr/bin/env python3
"""20,000 lines of native configuration, read and checked: seconds, and 1 if it took more than one.

    config_bench.py KEEPLINE
"""
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LINES = 1000
ONE = '''  - user: u{number}
    domain: example.com
    label: Desk {number}
    outbound_proxy: {{address: proxy.example.com, port: 5060}}
    policy:
      t1: 500ms
      t2: 4s
      retry_gap: {number}ms
      attempts_max: 3
      failback: 10m
      backoff_base: 10s
      backoff_max: 2m
      expires: 1h
    servers:
      - name: a.example.com
        port: 5060
        transport: udp
      - name: b.example.com
        port: 5060
        transport: udp
'''


def main():
    text = 'lines:\n' + ''.join(ONE.format(number=number + 1) for number in range(LINES))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'phones.yaml'
        path.write_text(text)
        start = time.monotonic()
        run = subprocess.run([sys.argv[1], 'check', path], stdout=subprocess.DEVNULL, timeout=60, check=False)
        took = time.monotonic() - start
    lines = text.count('\n')
    print(f'{lines} lines of configuration read and checked in {took:.3f} s')
    return 0 if run.returncode == 0 and took < 1 and lines >= 20000 else 1


if __name__ == '__main__':
    sys.exit(main())
