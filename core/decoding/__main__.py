"""`python -m core.decoding HEIGHT WIDTH CHANNELS FIT [LOW HIGH] < IMAGE`: pixels on stdout, (H, W, C) uint8.

Before them stands a line with the image's own height and width. LOW and HIGH: the values of 16 bits that become 0 and
255.

Exit 3: the image cannot be used, and stdout has `{"code", "message"}`. Anything else is a crash of a decoder, or one of
the limits.
"""

import json
import sys
import warnings

from contract.child.confinement import confine
from contract.image_files import MAX_FILE_BYTES
from core.decoding import EXIT_REFUSED
from core.decoding.images import Refused, decode

_MEMORY_BYTES = 2 * 2**30  # of address space; 40 million pixels took up to 0.9 GB (a turned WebP)
_CPU_SECONDS = 20


def main(height: str, width: str, channels: str, fit: str, *low_high: str) -> int:
    confine(memory_bytes=_MEMORY_BYTES, cpu_seconds=_CPU_SECONDS, file_bytes=0, open_files=32)
    warnings.simplefilter("ignore")  # Pillow's, which quote the file
    try:
        depth_range = (int(low_high[0]), int(low_high[1])) if low_high else None
        frame = {"height": int(height), "width": int(width), "channels": int(channels)}
        file = sys.stdin.buffer.read(MAX_FILE_BYTES)
        found = decode(file, **frame, fit=fit, depth_range=depth_range)
    except Refused as refusal:
        sys.stdout.write(json.dumps({"code": refusal.code, "message": str(refusal)}))
        return EXIT_REFUSED
    sys.stdout.buffer.write(b"%d %d\n" % found.size + found.pixels.tobytes())
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
