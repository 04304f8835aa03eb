"""JPEGs that are small to send and long to decode."""

import struct

# Huffman tables: one code, for differences of 0; three, for runs of 16384 to 32767, of 8 to 15 and of 1 empty block.
DC_TABLE = bytes([0, 1] + [0] * 15 + [0])
AC_TABLE = bytes([0x10, 0, 3] + [0] * 14 + [0xE0, 0x30, 0x00])


def many_scans(width, height, scans):
    """A grey image in progressive coding whose scans each visit every block and say nothing.

    The extents are multiples of 8, and the scans are at least three. Formats as in ITU-T T.81, annexes B and G.
    """
    jpeg = bytearray(b"\xff\xd8")
    jpeg += segment(0xDB, bytes([0] + [1] * 64))
    jpeg += segment(0xC2, struct.pack(">BHHB", 8, height, width, 3) + bytes([1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]))
    jpeg += segment(0xC4, DC_TABLE) + segment(0xC4, AC_TABLE)
    blocks = (width // 8) * (height // 8)
    jpeg += segment(0xDA, bytes([3, 1, 0, 2, 0, 3, 0, 0, 0, 0])) + pack("0" * (3 * blocks))
    nothing = pack(end_of_band(blocks))
    for scan in range(scans):
        # Of each component the first leaves as many bits to come as it has further scans.
        low = (scans - 1 - scan) // 3
        high = 0 if scan < 3 else low + 1
        jpeg += segment(0xDA, bytes([1, scan % 3 + 1, 0, 1, 63, high << 4 | low])) + nothing
    return bytes(jpeg + b"\xff\xd9")


def segment(marker, payload):
    return bytes([0xFF, marker]) + struct.pack(">H", len(payload) + 2) + payload


def end_of_band(blocks):
    """The bits that say of this many blocks that nothing follows in them."""
    bits = ""
    while blocks:
        if blocks >= 1 << 14:
            run = min(blocks, (1 << 15) - 1)
            bits += "00" + format(run - (1 << 14), "014b")
        elif blocks >= 8:
            run = min(blocks, 15)
            bits += "01" + format(run - 8, "03b")
        else:
            run = 1
            bits += "10"
        blocks -= run
    return bits


def pack(bits):
    """Bits as bytes, filled up with ones; a byte of ones is followed by one of zeros."""
    bits += "1" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\x00")
