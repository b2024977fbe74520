"""What Python's json reads of bodies: in, one body a line in hexadecimal; out, one JSON text a line.

Numbers are told by their digits and by the bits of their double, objects by their members in order. The last line is
what every character becomes under case folding, if that is one other character.
"""

import json
import struct
import sys


def bits(number):
    return struct.pack(">d", number).hex()


def tell(value):
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return {"integer": str(value), "bits": bits(float(value))}
    if isinstance(value, float):
        return {"bits": bits(value)}
    if isinstance(value, list):
        return [tell(item) for item in value]
    return {"members": [[name, tell(member)] for name, member in value.items()]}


def read(body):
    try:
        return {"reads": tell(json.loads(body))}
    except (ValueError, OverflowError, RecursionError) as error:
        return {"refuses": type(error).__name__}


for line in sys.stdin:
    print(json.dumps(read(bytes.fromhex(line))))

characters = [chr(c) for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
print(json.dumps([[c, c.casefold()] for c in characters if len(c.casefold()) == 1 and c.casefold() != c]))
