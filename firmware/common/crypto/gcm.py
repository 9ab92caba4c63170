"""What AES-GCM does besides AES and GHASH, as machine code: counters, the key stream over data.

`work` is one buffer for all of it, zero at first (offsets in bytes, each a multiple of 16):

    0      the table of H: entry (j, n) of (8, 16) is n * x^4j * H, n being four bits, x^0 highest
    2048   a word split into nibbles; at the end the state        2064   a last block, filled up
    2056   until then: how many bytes the message has
    2080   the mask of the tag                                    2096   H
    2112   the key stream, then what comes out, and 16 bytes more: the mask, then the tag

No branch depends on a secret. Addresses within the table do: an ESP32 has no data cache before its
own RAM; one before PSRAM would show them to code on the same board, and to nobody else.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING or sys.implementation.name != "micropython":
    from firmware.common.crypto.viper import micropython, ptr8, ptr32


@micropython.viper
def counters(r: ptr32, length: int, nonce: ptr8):
    """What AES is to encrypt: a block of zeros, there already; counters from 2 on; counter 1."""
    r = ptr32(int(r) + 2048)
    r[2] = length
    a = nonce[0] | nonce[1] << 8 | nonce[2] << 16 | nonce[3] << 24
    b = nonce[4] | nonce[5] << 8 | nonce[6] << 16 | nonce[7] << 24
    c = nonce[8] | nonce[9] << 8 | nonce[10] << 16 | nonce[11] << 24
    r = ptr32(int(r) + 64)
    end = int(r) + ((length + 15) >> 4 << 4)
    stop = int(r) + 4064  # here the counter's lowest byte, the word's highest, begins anew
    length = 0x2000000  # from here on the counter, as a word: this argument lives in a register
    high = 0
    while int(r) < end:
        if stop > end:
            stop = end
        while int(r) < stop:
            r[0] = a
            r[1] = b
            r[2] = c
            r[3] = length
            length = length + 0x1000000
            r = ptr32(int(r) + 16)
        high += 1
        length = (high & 255) << 16 | high & 0xFF00 | high >> 16 & 255
        stop = stop + 4096
    r[0] = a
    r[1] = b
    r[2] = c
    r[3] = 0x1000000


@micropython.viper
def crypt(r: ptr32, b: ptr32):
    """The data at b over the key stream, and zeros over the 16 bytes behind."""
    r = ptr32(int(r) + 2048)
    n = r[2]
    r = ptr32(int(r) + 64)
    e = ptr8(int(r) + n)
    if int(b) & 3 == 0:  # an ESP32 cannot load a word from anywhere else
        while n > 31:
            r[0] = r[0] ^ b[0]
            r[1] = r[1] ^ b[1]
            r[2] = r[2] ^ b[2]
            r[3] = r[3] ^ b[3]
            r[4] = r[4] ^ b[4]
            r[5] = r[5] ^ b[5]
            r[6] = r[6] ^ b[6]
            r[7] = r[7] ^ b[7]
            r = ptr32(int(r) + 32)
            b = ptr32(int(b) + 32)
            n -= 32
    p = ptr8(int(r))
    q = ptr8(int(b))
    while n > 0:
        n -= 1
        p[n] = p[n] ^ q[n]
    while n < 16:
        e[n] = 0
        n += 1
