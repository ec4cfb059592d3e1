"""A network, mount and process namespace for each test.

In it 127.0.0.0/8 is private, so that tests run side by side; /etc/resolv.conf is the test's own; and whatever the
test started ends with it, however it ends.
"""
import os
import subprocess
import sys

from .waiting import Failure

MARK = 'KEEPLINE_LIVE_NAMESPACE'


def command_inside(command):
    """The command that runs COMMAND in namespaces of its own. Without root, it becomes root in a user namespace."""
    user = [] if os.geteuid() == 0 else ['--map-root-user']
    return ['unshare', *user, '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc',
            'env', f'{MARK}=1', *command]


def is_inside():
    return MARK in os.environ


def check_available():
    """Says in one line why there can be no namespaces here, and ends the program, unless there can be."""
    try:
        attempt = subprocess.run(command_inside(['true']), capture_output=True, text=True, check=False)
        reason = attempt.stderr.strip() if attempt.returncode else None
    except FileNotFoundError:
        reason = 'unshare is not installed'
    if reason:
        sys.exit(f'live tests need root, or user namespaces: {reason}')


def set_up(folder, resolver):
    """Brings the loopback device up, and names RESOLVER in /etc/resolv.conf, which is a file in FOLDER from now on."""
    subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
    resolv_conf = folder / 'resolv.conf'
    resolv_conf.write_text(f'nameserver {resolver}\n')
    mount = subprocess.run(['mount', '--bind', resolv_conf, '/etc/resolv.conf'], capture_output=True, text=True,
                           check=False)
    if mount.returncode:
        raise Failure(f'expected a private /etc/resolv.conf: {mount.stderr.strip()}')
