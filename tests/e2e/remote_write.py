"""Remote write bodies without a library: protocol buffers by hand, snappy as literals."""

import struct


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def bytes_field(field, value):
    if isinstance(value, str):
        value = value.encode()
    return varint(field << 3 | 2) + varint(len(value)) + value


def varint_field(field, value):
    return varint(field << 3) + varint(value)


def double_field(field, value):
    return varint(field << 3 | 1) + struct.pack("<d", value)


def snappy(data):
    """The block format, uncompressed: https://github.com/google/snappy/blob/main/format_description.txt"""
    out = bytearray(varint(len(data)))
    for start in range(0, len(data), 65536):
        piece = data[start:start + 65536]
        out += bytes([61 << 2]) + struct.pack("<H", len(piece) - 1) + piece
    return bytes(out)


def sample(timestamp_ms, value):
    return double_field(1, value) + varint_field(2, timestamp_ms)


def series_v1(labels, samples, extra=b""):
    out = b"".join(bytes_field(1, bytes_field(1, name) + bytes_field(2, value))
                   for name, value in sorted(labels.items()))
    out += b"".join(bytes_field(2, sample(*point)) for point in samples)
    return bytes_field(1, out + extra)


def body_v1(*series):
    """Each series is (labels, [(timestamp_ms, value), ...])."""
    return snappy(b"".join(series_v1(labels, samples) for labels, samples in series))


def body_v2(*series):
    """Each series is (labels, samples, (type, help, unit))."""
    symbols = [""]

    def ref(text):
        if text not in symbols:
            symbols.append(text)
        return symbols.index(text)

    messages = b""
    for labels, samples, (kind, help_text, unit) in series:
        refs = b"".join(varint(ref(text)) for pair in sorted(labels.items()) for text in pair)
        message = bytes_field(1, refs)
        message += b"".join(bytes_field(2, sample(*point)) for point in samples)
        message += bytes_field(5, varint_field(1, kind) + varint_field(3, ref(help_text)) +
                               varint_field(4, ref(unit)))
        messages += bytes_field(5, message)
    return snappy(b"".join(bytes_field(4, symbol) for symbol in symbols) + messages)


V2_HEADERS = {"Content-Type": "application/x-protobuf;proto=io.prometheus.write.v2.Request",
              "X-Prometheus-Remote-Write-Version": "2.0.0"}
