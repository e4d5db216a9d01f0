// CRC-32 as zip files have it, eight bytes a step.

const POLYNOMIAL = 0xedb88320;
const TABLES = tables();

/** Of the bytes after those of which `before` is the CRC. */
export function crc32(bytes: Uint8Array<ArrayBuffer>, before = 0): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const whole = bytes.length - (bytes.length % 8);
  let crc = ~before;
  for (let at = 0; at < whole; at += 8) {
    const low = crc ^ view.getUint32(at, true);
    const high = view.getUint32(at + 4, true);
    crc = of(7, low) ^ of(6, low >>> 8) ^ of(5, low >>> 16) ^ of(4, low >>> 24) ^ of(3, high) ^ of(2, high >>> 8) ^ of(1, high >>> 16) ^ of(0, high >>> 24);
  }
  for (let at = whole; at < bytes.length; at++) crc = (crc >>> 8) ^ of(0, crc ^ view.getUint8(at));
  return ~crc >>> 0;
}

function of(table: number, byte: number): number {
  return TABLES[(table << 8) | (byte & 255)] as number;
}

/** Eight tables of 256: the last is of bytes that seven more follow. */
function tables(): Int32Array {
  const found = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    found[byte] = crc;
  }
  for (let place = 256; place < found.length; place++) {
    const shorter = found[place - 256] as number;
    found[place] = (shorter >>> 8) ^ (found[shorter & 255] as number);
  }
  return found;
}
