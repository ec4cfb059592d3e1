"""baresip, as Debian has it: a softphone that knows one server, plays a tone and keeps what it hears."""
import json
import socket

from .talker import WITHIN_S
from .waiting import Process, wait_for

CONTROL_PORT = 4444
SETTINGS = '''poll_method epoll
sip_listen {address}:5060
net_interface {address}
module_path /usr/lib/baresip/modules
audio_source ausine,{tone}
audio_player aubridge,{name}
ausrc_srate 48000
ausrc_channels 2
snd_path {folder}
module g711.so
module ausine.so
module aubridge.so
module sndfile.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen {address}:{control}
'''
ACCOUNT = '<sip:{user}@example.test>;outbound="sip:{server}";audio_codecs=PCMU;regint={seconds};{more}\n'


class Baresip:
    """Its address of record is USER's; it plays a tone of TONE Hz."""

    def __init__(self, folder, name, address, server, *, user='alice', tone=440, seconds=0, more=''):
        self.name, self.address, self.folder = name, address, folder / name
        self.folder.mkdir()
        (self.folder / 'config').write_text(SETTINGS.format(address=address, tone=tone, name=name, folder=self.folder,
                                                            control=CONTROL_PORT))
        (self.folder / 'accounts').write_text(ACCOUNT.format(user=user, server=server, seconds=seconds, more=more))
        self.process = Process(name, ['baresip', '-f', self.folder, '-v'], folder)

    def start(self):
        self.process.start()
        self.process.wait_for_output('baresip is ready', within_s=10)

    def stop(self):
        self.process.kill()

    def command(self, command, params=''):
        """Runs a command of its menu."""
        text = json.dumps({'command': command, 'params': params})
        with socket.create_connection((self.address, CONTROL_PORT), timeout=WITHIN_S) as control:
            control.sendall(f'{len(text)}:{text},'.encode())
            control.recv(65536)

    def wait_for(self, text, within_s=10.0, count=1):
        wait_for(lambda: self.process.output().count(text) >= count, f'{self.name} says "{text}"', within_s)

    def heard(self):
        """The recordings of what came, the oldest first."""
        return sorted(self.folder.glob('dump-*-dec.wav'))
