#!/usr/bin/env python3
"""20,000 lines of configuration of each kind, read and checked: seconds, and 1 if one took more than one.

    config_bench.py KEEPLINE
"""
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LINES = 1000  # of phones; each takes 20 lines of its file

POLY = '''  <reg
    reg.{x}.address="u{x}"
    reg.{x}.label="Desk {x}"
    reg.{x}.displayName="User {x}"
    reg.{x}.auth.userId="u{x}"
    reg.{x}.auth.password="secret"
    reg.{x}.server.1.address="a.example.com"
    reg.{x}.server.1.port="5060"
    reg.{x}.server.1.transport="UDPOnly"
    reg.{x}.server.1.expires="600"
    reg.{x}.server.1.retryTimeOut="{x}"
    reg.{x}.server.1.retryMaxCount="2"
    reg.{x}.server.1.registerRetry.baseTimeOut="30"
    reg.{x}.server.1.registerRetry.maxTimeOut="600"
    reg.{x}.outboundProxy.address="proxy.example.com"
    reg.{x}.outboundProxy.port="5060"
    reg.{x}.outboundProxy.failOver.reRegisterOn="1"
    reg.{x}.outboundProxy.failOver.failBack.mode="duration"
    reg.{x}.outboundProxy.failOver.failBack.timeout="600"
  />
'''

YEALINK = '''# Desk {x}
account.{x}.user_name = u{x}
account.{x}.label = Desk {x}
account.{x}.display_name = User {x}
account.{x}.auth_name = u{x}
account.{x}.password = secret
account.{x}.sip_server.1.address = a.example.com
account.{x}.sip_server.1.port = 5060
account.{x}.sip_server.1.transport_type = 0
account.{x}.sip_server.1.expires = 600
account.{x}.sip_server.1.retry_counts = 2
account.{x}.sip_server.1.register_on_enable = 1
account.{x}.sip_server.1.failback_mode = 3
account.{x}.sip_server.1.failback_timeout = 600
account.{x}.sip_server.2.address = b.example.com
account.{x}.sip_server.2.port = 5060
account.{x}.sip_server.2.expires = 600
account.{x}.fallback.redundancy_type = 1
account.{x}.fallback.timeout = 600
account.{x}.reg_failed_retry_min_time = 30
'''

NATIVE = '''  - user: u{x}
    domain: example.com
    label: Desk {x}
    outbound_proxy: {{address: proxy.example.com, port: 5060}}
    policy:
      t1: 500ms
      t2: 4s
      retry_gap: {x}ms
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

KINDS = {
    'Poly': ('<polycomConfig>\n', POLY, '</polycomConfig>\n'),
    'Yealink': ('#!version:1.0.0.1\n', YEALINK, ''),
    'native': ('lines:\n', NATIVE, ''),
}


def check(keepline, kind):
    """True: read and checked without an error, and in time."""
    head, one, tail = KINDS[kind]
    text = head + ''.join(one.format(x=x + 1) for x in range(LINES)) + tail
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'phones'
        path.write_text(text)
        start = time.monotonic()
        run = subprocess.run([keepline, 'check', path], stdout=subprocess.DEVNULL, timeout=60, check=False)
        took = time.monotonic() - start
    lines = text.count('\n')
    print(f'{lines} lines of {kind} configuration read and checked in {took:.3f} s')
    return run.returncode == 0 and took < 1 and lines >= 20000


def main():
    return 0 if all([check(sys.argv[1], kind) for kind in KINDS]) else 1


if __name__ == '__main__':
    sys.exit(main())
