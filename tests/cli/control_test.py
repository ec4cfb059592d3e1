#!/usr/bin/env python3
"""The commands that ask a running instance, against a socket of this program that plays it: what they send, what they
print, how they end.

    control_test.py KEEPLINE
"""
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

KEEPLINE = None
LATE_S = 30

STATUS = {
    'lines': [{
        'line': 2, 'aor': 'sip:alice@example.com', 'state': 'registered', 'entries': [],
        'calls': [{'call': 7, 'incoming': True, 'peer': 'sip:bob@example.com', 'state': 'up', 'held': True,
                   'far_held': False, 'route': 'udp 192.0.2.1:5060', 'after_ms': 61000}],
        'subscriptions': [
            {'package': 'message-summary', 'resource': 'sip:alice@example.com', 'state': 'active',
             'route': 'udp 192.0.2.1:5060', 'next_in_ms': 3000000, 'why': 'line 2 subscription 1 subscribing -> active',
             'messages': {'waiting': True, 'voice': {'new': 2, 'old': 8, 'urgent_new': 0, 'urgent_old': 0}}},
            {'package': 'dialog', 'resource': 'sip:bob@example.com', 'state': 'waiting', 'route': None,
             'next_in_ms': 7000, 'why': None, 'watched': 'early'},
            {'package': 'presence', 'resource': 'sip:carol@example.com', 'state': 'ended', 'route': None,
             'next_in_ms': None, 'why': '489 from udp 192.0.2.1:5060', 'presence': 'open', 'note': 'At lunch'},
            {'package': 'call-info', 'resource': 'sip:alice@example.com', 'state': 'active',
             'route': 'udp 192.0.2.1:5060', 'next_in_ms': None, 'why': None,
             'appearances': [{'index': 1, 'state': 'seized'}, {'index': 2, 'state': 'idle'}]},
        ]}],
    'counters': {'calls': 1, 'received': 9, 'dropped': 0, 'forged': 0},
}
STATUS_TEXT = '''\
line 2, sip:alice@example.com: registered
  call 7 from sip:bob@example.com: up for 61 s, by udp 192.0.2.1:5060, on hold
  message-summary of sip:alice@example.com: active, on udp 192.0.2.1:5060: messages wait, voice 2 new, 8 old
    next: refresh in 50 min 0 s
    last: line 2 subscription 1 subscribing -> active
  dialog of sip:bob@example.com: waiting: early
    next: try in 7 s
  presence of sip:carol@example.com: ended: open, At lunch
    last: 489 from udp 192.0.2.1:5060
  call-info of sip:alice@example.com: active, on udp 192.0.2.1:5060: appearance 1 seized, 2 idle
calls 1; datagrams received 9, dropped 0; ICMP forged 0
'''
NOTIFY = {'event': 'notify', 'time_ms': 0, 'line': 2, 'subscription': 3, 'package': 'dialog',
          'resource': 'sip:bob@example.com', 'state': 'active', 'body': 'one\r\n\x1b[2Jtwo\n'}
ENDED = {'event': 'subscription', 'time_ms': 0, 'line': 2, 'subscription': 3, 'to': 'ended', 'text': 'rejected'}
OTHER = {**NOTIFY, 'subscription': 4, 'body': 'of somebody else'}
RINGS = {'event': 'call', 'time_ms': 0, 'line': 2, 'call': 7, 'incoming': True, 'peer': 'sip:bob@example.com',
         'step': 'incoming', 'after_ms': 0, 'text': 'rings'}


class Instance:
    """Takes one connection. ANSWERS(request) gives what to say to each request."""

    def __init__(self, folder, answers):
        self.path = folder / 'socket'
        self.answers, self.requests = answers, []
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(LATE_S)
        self.socket.bind(str(self.path))
        self.socket.listen()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        with self.socket:
            peer, _ = self.socket.accept()
        with peer, peer.makefile() as lines:
            for line in lines:
                self.requests.append(json.loads(line))
                for answer in self.answers(self.requests[-1]):
                    peer.sendall((json.dumps(answer) + '\n').encode())


class Control(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def start(self, answers, *words):
        instance = Instance(self.folder, answers)
        command = [KEEPLINE, words[0], '--control', instance.path, *words[1:]]
        return instance, subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                          stderr=subprocess.PIPE, text=True, env={**os.environ, 'TZ': 'UTC'})

    def run_to_end(self, answers, *words):
        instance, process = self.start(answers, *words)
        out, err = process.communicate(timeout=LATE_S)
        return instance.requests, process.returncode, out, err

    def test_status(self):
        """SEE-1 (part), SUBS-2 (part): calls and subscriptions with what the servers told, as text and as JSON."""
        requests, status, out, err = self.run_to_end(lambda _: [STATUS], 'status')
        self.assertEqual((requests, status, err), ([{'do': 'status'}], 0, ''))
        self.assertEqual(out, STATUS_TEXT)

    def test_status_as_json(self):
        _, status, out, _ = self.run_to_end(lambda _: [STATUS], 'status', '--json')
        self.assertEqual((status, json.loads(out)), (0, STATUS))

    def test_verbs(self):
        """What each command asks for, with a call and without; a refusal is said, with status 2."""
        for words, request in (
                (('answer',), {'do': 'answer'}),
                (('answer', '7'), {'do': 'answer', 'call': 7}),
                (('reject', '--status', '603', '7'), {'do': 'reject', 'call': 7, 'status': 603}),
                (('hangup', '7'), {'do': 'hang-up', 'call': 7}),
                (('hold',), {'do': 'hold'}),
                (('resume', '7'), {'do': 'resume', 'call': 7})):
            with self.subTest(words=words):
                requests, status, out, err = self.run_to_end(lambda _: [{'ok': True}], *words)
                self.assertEqual((requests, status, out, err), ([request], 0, '', ''))
                (self.folder / 'socket').unlink()
        _, status, out, err = self.run_to_end(lambda _: [{'error': 'there is no such call'}], 'hold')
        self.assertEqual((status, out, err), (2, '', 'keepline hold: there is no such call\n'))

    def test_subscribe(self):
        """Nothing but its own subscription is told; what a terminal would obey is not printed; its end is an end."""
        def answers(request):
            if request['do'] == 'events':
                return [{'ok': True}, OTHER]
            return [{'ok': True, 'subscription': 3}, OTHER, NOTIFY, {'event': 'gap', 'missed': 5}, ENDED]
        requests, status, out, err = self.run_to_end(answers, 'subscribe', '--line', '2', '--expires', '60', 'dialog', 'bob')
        self.assertEqual(requests, [{'do': 'events'},
                                    {'do': 'subscribe', 'line': 2, 'package': 'dialog', 'target': 'bob', 'expires_s': 60}])
        self.assertEqual((status, err), (1, ''))
        self.assertEqual(out, '00:00:00  line 2, dialog of sip:bob@example.com: active\n    one\n    ?[2Jtwo\n'
                              '00:00:00  missed: 5\n00:00:00  rejected\n')

    def test_events(self):
        """Each event is a line of JSON, until Ctrl-C."""
        instance, process = self.start(lambda _: [{'ok': True}, NOTIFY, ENDED], 'events', '--json', '--line', '2')
        lines = [json.loads(process.stdout.readline()) for _ in range(2)]
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(LATE_S), 0)
        process.communicate()
        self.assertEqual((lines, instance.requests), ([NOTIFY, ENDED], [{'do': 'events', 'line': 2}]))

    def test_events_for_people(self):
        """A call's event says of which call it is."""
        _, process = self.start(lambda _: [{'ok': True}, RINGS, {**RINGS, 'incoming': False, 'text': 'up'}], 'events')
        lines = [process.stdout.readline() for _ in range(2)]
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=LATE_S)
        self.assertEqual(lines, ['00:00:00  call 7 from sip:bob@example.com: rings\n',
                                 '00:00:00  call 7 to sip:bob@example.com: up\n'])

    def test_the_instance_goes(self):
        _, status, out, err = self.run_to_end(lambda _: [{'ok': True}] + [7], 'events')
        self.assertEqual((status, out), (2, ''))
        self.assertIn('keepline events: ', err)


if __name__ == '__main__':
    KEEPLINE = sys.argv.pop(1)
    unittest.main()
