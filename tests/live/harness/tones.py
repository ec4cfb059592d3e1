"""Which tone is in a recording."""
import cmath
import struct
import wave


def loudness(path, hz):
    """Which part of the last half second of a recording is a tone of HZ, 0 to 1."""
    with wave.open(str(path)) as file:
        rate, length = file.getframerate(), file.getnframes()
        count = rate // 2
        file.setpos(max(0, length - count))
        data = file.readframes(count)
    samples = struct.unpack(f'<{len(data) // 2}h', data)
    power = sum(sample * sample for sample in samples)
    tone = sum(sample * cmath.exp(-2j * cmath.pi * hz * at / rate) for at, sample in enumerate(samples))
    return 2 * abs(tone) ** 2 / (power * len(samples)) if power else 0
