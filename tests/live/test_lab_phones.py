#!/usr/bin/env python3
"""Phones of others at `keepline lab`, and what the verdict says of each: exactly which rules were kept and broken."""
import subprocess
from pathlib import Path

from harness.expect import expect_equal
from harness.lab import DOMAIN, PASSWORD, LabWorld
from harness.registrar import PASSWORD as SIPP_PASSWORD
from harness.run import live_test, run_tests

PEERS = Path(__file__).resolve().parent / 'peers'
# Phones of others look for an interface that is not the loopback's.
LAB = """expires_max: 20s
dns: {address: "127.0.0.53:53"}
servers:
  - {address: 192.0.2.11}
  - {address: 192.0.2.12}
  - {address: 192.0.2.13}
"""
PHONE = '192.0.2.1'
ADDRESSES = (PHONE, '192.0.2.11', '192.0.2.12', '192.0.2.13')


class LanWorld(LabWorld):
    """The lab on a network interface of its own."""

    def __enter__(self):
        commands = ['link add lan0 type veth peer name lan1', 'link set lan0 up', 'link set lan1 up',
                    *(f'address add {address}/24 dev lan0' for address in ADDRESSES),
                    f'route add default via {PHONE} dev lan0']
        for command in commands:
            subprocess.run(['ip', *command.split()], check=True)
        return super().__enter__()


def expect_rules(world, kept, broken):
    """The verdict names these rules, and no other."""
    status, rules = world.verdict()
    for word, expected in (('broken', broken), ('kept', kept)):
        measured = sorted(name for name, rule in rules.items() if rule['verdict'] == word)
        expect_equal(f'rules {word}', measured, sorted(expected))
    expect_equal('exit status', status, 1 if broken else 0)


BARESIP = """
poll_method epoll
sip_listen 192.0.2.1:5070
module_path /usr/lib/baresip/modules
module account.so
module_app menu.so
module stdio.so
module g711.so
module_tmp uuid.so
dns_server 127.0.0.53:53
net_interface lan0
"""


@live_test(LanWorld, file=LAB)
def baresip(world):
    """baresip 1.0: a server falls silent before the refresh."""
    folder = world.folder / 'baresip'
    folder.mkdir()
    (folder / 'config').write_text(BARESIP)
    (folder / 'accounts').write_text(f'<sip:alice@{DOMAIN}>;auth_pass={PASSWORD};regint=20\n')
    world.run_peer('phone', ['baresip', '-f', folder, '-v'])
    world.wait_registered('server1')
    world.order('server1 silent')
    world.wait_seen('REGISTER, with credentials (alice), says nothing', within_s=80)
    # It sends eleven times instead of three, renews after 18 s instead of 10, and its proof for server2 goes to server1.
    expect_rules(world, ['REG-4', 'TRIG-8'], ['REG-1', 'TIME-1', 'TIME-8'])


LINPHONE = f"""[sip]
sip_port=5070
sip_tcp_port=0
sip_tls_port=0
use_ipv6=0
[net]
mtu=1300
[proxy_0]
reg_proxy=<sip:{DOMAIN};transport=udp>
reg_identity=sip:alice@{DOMAIN}
reg_expires=20
reg_sendregister=1
[auth_info_0]
username=alice
passwd={PASSWORD}
realm={DOMAIN}
"""


@live_test(LanWorld, file=LAB)
def linphone(world):
    """Linphone 5.1: a server falls silent before the refresh."""
    settings = world.folder / 'linphonerc'
    (world.folder / '.local/share/linphone').mkdir(parents=True)
    settings.write_text(LINPHONE)
    world.run_peer('phone', ['sh', '-c', f'tail -f /dev/null | HOME={world.folder} linphone-daemon --config {settings}'])
    world.wait_registered('server1')
    world.order('server1 silent')
    world.wait_seen('says nothing', 5, 60)
    # It renews after 18 s instead of 10, and goes on where nobody answers.
    expect_rules(world, ['TRIG-8'], ['REG-1', 'TIME-1'])


@live_test(LanWorld, file=LAB.replace('expires_max', f'domain: example.test\npassword: {SIPP_PASSWORD}\nexpires_max'))
def sipp(world):
    """SIPp, which is no phone: it knows one server, and calls that for as long as its patience lasts."""
    world.order('server1 silent of INVITE')
    world.run_peer('phone', ['sipp', '-sf', PEERS / 'caller.xml', '-i', PHONE, '-p', 5070, '-m', 1, '-nostdin',
                             '-au', 'alice', '-ap', SIPP_PASSWORD, '-auth_uri', 'example.test', '192.0.2.11:5060'])
    world.wait_seen('<- INVITE (alice), says nothing', 5)
    expect_rules(world, ['FAIL-7', 'TRIG-8'], ['TIME-1'])


if __name__ == '__main__':
    run_tests()
