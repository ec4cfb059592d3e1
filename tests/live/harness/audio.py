"""Tones in WAV files: written, and recognised."""
import cmath
import math
import struct
import wave

RATE = 8000
TONE_S = 60
HEARD = 0.8  # of the power: a tone, by its codec and by lost packets made a little less pure


def write_tone(path, hz):
    """A WAV file with a tone."""
    samples = (round(8000 * math.sin(2 * math.pi * hz * at / RATE)) for at in range(RATE * TONE_S))
    with wave.open(str(path), 'wb') as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(b''.join(struct.pack('<h', sample) for sample in samples))


def share(samples, rate, hz):
    """Which part of the power is a tone of HZ, 0 to 1."""
    power = sum(sample * sample for sample in samples)
    tone = sum(sample * cmath.exp(-2j * cmath.pi * hz * at / rate) for at, sample in enumerate(samples))
    return 2 * abs(tone) ** 2 / (power * len(samples)) if power else 0


def loudness(path, hz, halves_back=1):
    """That of half a second of a recording: the last one, or one before it."""
    with wave.open(str(path)) as file:
        rate, length = file.getframerate(), file.getnframes()
        file.setpos(max(0, length - halves_back * (rate // 2)))
        data = file.readframes(rate // 2)
    return share(struct.unpack(f'<{len(data) // 2}h', data), rate, hz)


def hears(path, hz):
    """Is the tone there now?  A recording is complete on the disk each second."""
    try:
        return loudness(path, hz) > HEARD
    except (FileNotFoundError, EOFError, wave.Error):
        return False


def heard(path, hz):
    """Was the tone there, in any half second of a recording that has ended?"""
    try:
        with wave.open(str(path)) as file:
            halves = file.getnframes() // (file.getframerate() // 2)
        return any(loudness(path, hz, back) > HEARD for back in range(1, halves + 1))
    except (FileNotFoundError, EOFError, wave.Error):
        return False
