"""Two user agents that others wrote, as far ends of calls: each answers by itself, sends a tone, and keeps what it hears in a
WAV file. Each has ports for audio of its own, `audio`."""
import itertools
import json
import socket
import subprocess

from .audio import write_tone
from .waiting import PATIENCE_S, Process, udp_is_bound, wait_for

SIP_PORT, CONTROL_PORT = 5060, 4444  # all ports here are below those that the kernel hands out
AUDIO_PORTS = 100
PAUSED = 'is now paused'
FIRST_PORTS = itertools.count(20000, AUDIO_PORTS)


def audio_ports():
    first = next(FIRST_PORTS)
    return range(first, first + AUDIO_PORTS - 1)


class Baresip:
    """At ADDRESS, port 5060. ACCOUNT is its line of the file of accounts, without the codecs; NAME tells several apart. MODULES
    are more than it needs for calls; CONTACT is whom its messages go to."""

    CONFIGURATION = '''sip_listen {address}:{port}
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
net_interface {address}
ctrl_tcp_listen {address}:{control}
audio_source aufile,{tone}
audio_player aubridge,nobody
audio_alert aubridge,nobody
snd_path {folder}
ausrc_srate 8000
auplay_srate 8000
ausrc_format s16
auplay_format s16
rtp_ports {audio.start}-{audio.stop}
'''

    def __init__(self, address, folder, hz, *, name='baresip', account=None, modules=(), contact=''):
        self.address, self.folder, self.name, self.audio = address, folder / name, name, audio_ports()
        self.folder.mkdir()
        account = account or f'<sip:bob@{address}>;regint=0'
        write_tone(self.folder / 'tone.wav', hz)
        (self.folder / 'config').write_text(self.CONFIGURATION.format(
            address=address, port=SIP_PORT, control=CONTROL_PORT, tone=self.folder / 'tone.wav', folder=self.folder,
            audio=self.audio)
            + ''.join(f'module_app {module}.so\n' for module in modules))
        (self.folder / 'accounts').write_text(f'{account};answermode=auto;audio_codecs=PCMU,PCMA\n')
        (self.folder / 'contacts').write_text(contact)
        self.process = Process(name, ['baresip', '-f', self.folder], folder)

    def start(self):
        self.process.start()
        wait_for(lambda: udp_is_bound(self.address, SIP_PORT) and self.takes_commands(), 'baresip listens')

    def takes_commands(self):
        with socket.socket() as control:
            return control.connect_ex((self.address, CONTROL_PORT)) == 0

    def recording(self):
        """What it heard in the last call, which is over."""
        return max(self.folder.glob('dump-*-dec.wav'), default=self.folder)

    def command(self, word, parameters=''):
        """A command of its menu."""
        with socket.create_connection((self.address, CONTROL_PORT), PATIENCE_S) as control:
            text = json.dumps({'command': word, 'params': parameters}).encode()
            control.sendall(f'{len(text)}:'.encode() + text + b',')
            return control.recv(4096)

    def call(self, uri):
        self.command('dial', uri)

    def transfer(self, uri):
        """The far end is to call somebody else."""
        self.command('transfer', uri)

    def message(self, _, text):
        """It writes to its CONTACT alone."""
        self.command('message', text)

    def output(self):
        return self.process.output()

    def hold(self):
        self.command('hold')

    def resume(self):
        self.command('resume')

    def hang_up(self):
        self.command('hangup')

    def stop(self):
        self.process.kill()


class Linphone:
    """At ADDRESS, port 5060. ACCOUNT is the part of its settings that names one; NAME tells several apart."""

    CONFIGURATION = '''[sip]
sip_port={port}
sip_tcp_port=-1
sip_tls_port=0
bind_address={address}
[rtp]
audio_rtp_port={audio.start}-{audio.stop}
[video]
display=0
capture=0
enabled=0
[net]
firewall_policy=0
[sound]
echocancellation=0
'''

    def __init__(self, address, folder, hz, *, name='linphone', account=''):
        self.address, self.folder, self.name, self.audio = address, folder / name, name, audio_ports()
        self.folder.mkdir()
        (self.folder / '.local/share/linphone').mkdir(parents=True)  # it makes none, and ends without
        self.heard = self.folder / 'heard.wav'
        self.tone = self.folder / 'tone.wav'
        write_tone(self.tone, hz)
        file = self.folder / 'linphonerc'
        file.write_text(self.CONFIGURATION.format(address=address, port=SIP_PORT, audio=self.audio) + account)
        self.log_path = self.folder / 'linphone.log'
        self.log = open(self.log_path, 'wb')
        self.command_line = ['linphonec', '-c', str(file), '-b', str(file), '-a', '-d', '6', '-l', str(self.folder / 'debug.log')]
        self.process = None

    def start(self):
        self.process = subprocess.Popen(self.command_line, stdin=subprocess.PIPE, stdout=self.log, stderr=self.log,
                                        env={'HOME': str(self.folder), 'PATH': '/usr/bin:/bin'})
        for words in ('soundcard use files', f'play {self.tone}', f'record {self.heard}', 'autoanswer enable'):
            self.command(words)
        wait_for(lambda: udp_is_bound(self.address, SIP_PORT) or udp_is_bound('0.0.0.0', SIP_PORT), 'linphone listens')

    def command(self, words):
        self.process.stdin.write(f'{words}\n'.encode())
        self.process.stdin.flush()

    def recording(self):
        """What it heard in all calls."""
        return self.heard

    def call(self, uri):
        self.command(f'call {uri}')

    def transfer(self, whom, to):
        """The far end of a call is to take this one's place in another; they are counted from 1."""
        self.command(f'transfer {whom} --to-call {to}')

    def message(self, uri, text):
        self.command(f'chat {uri} "{text}"')

    def output(self):
        return self.log_path.read_text('utf-8', 'replace')

    def hold(self):
        before = self.output().count(PAUSED)
        self.command('pause')
        wait_for(lambda: self.output().count(PAUSED) > before, 'linphone is done with it')

    def resume(self):
        self.command('resume')

    def hang_up(self):
        self.command('terminate')

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        self.log.close()
