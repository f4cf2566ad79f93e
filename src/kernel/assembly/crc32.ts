// CRC-32 as in IEEE 802.3 (zlib's), sixteen bytes a step: table k holds what a byte does that is k bytes further on.
const tables: usize = memory.data(16 * 1024, 16)

/** Fills the tables; once, at start. */
export function prepareCrc32(): void {
  for (let byte: u32 = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0xedb88320 & (0 - (crc & 1)))
    store<u32>(tables + (byte << 2), crc)
  }
  for (let table: u32 = 1; table < 16; table++) {
    for (let byte: u32 = 0; byte < 256; byte++) {
      const crc = load<u32>(tables + ((table - 1) << 10) + (byte << 2))
      store<u32>(tables + (table << 10) + (byte << 2), (crc >> 8) ^ step(0, crc))
    }
  }
}

function step(table: u32, byte: u32): u32 {
  return load<u32>(tables + (table << 10) + ((byte & 0xff) << 2))
}

export function crc32(from: usize, end: usize): u32 {
  let crc: u32 = 0xffffffff
  let at = from
  for (; at + 16 <= end; at += 16) {
    const a = load<u32>(at) ^ crc
    const b = load<u32>(at, 4)
    const c = load<u32>(at, 8)
    const d = load<u32>(at, 12)
    crc =
      step(15, a) ^
      step(14, a >> 8) ^
      step(13, a >> 16) ^
      step(12, a >> 24) ^
      step(11, b) ^
      step(10, b >> 8) ^
      step(9, b >> 16) ^
      step(8, b >> 24) ^
      step(7, c) ^
      step(6, c >> 8) ^
      step(5, c >> 16) ^
      step(4, c >> 24) ^
      step(3, d) ^
      step(2, d >> 8) ^
      step(1, d >> 16) ^
      step(0, d >> 24)
  }
  for (; at < end; at++) crc = (crc >> 8) ^ step(0, crc ^ load<u8>(at))
  return ~crc
}
