// String field values: in quotes, with `"` and `\` escaped. Sixteen bytes at a time while they need nothing.

const QUOTE: u32 = 0x22
const BACKSLASH: u32 = 0x5c

/**
 * Writes the string of `length` bytes; returns the end, or 0 if it is not UTF-8. Takes at most twice its length and two
 * bytes, and may overwrite and read what the arena's slack allows beyond.
 */
export function writeQuoted(to: usize, from: usize, length: usize): usize {
  let at = from
  let out = to
  const end = from + length
  store<u8>(out++, QUOTE)
  while (at < end) {
    const bytes = v128.load(at)
    const marked = v128.or(
      bytes,
      v128.or(
        v128.eq<i8>(bytes, v128.splat<u8>(<u8>QUOTE)),
        v128.eq<i8>(bytes, v128.splat<u8>(<u8>BACKSLASH)),
      ),
    )
    v128.store(out, bytes)
    // What the highest bit marks: a quote, a backslash, or a byte that is not ASCII.
    const plain = min<usize>(ctz((<u32>v128.bitmask<i8>(marked)) | 0x10000), end - at)
    at += plain
    out += plain
    if (at === end) break
    const byte = <u32>load<u8>(at)
    if (plain === 16) continue
    if (byte === QUOTE || byte === BACKSLASH) {
      store<u8>(out, BACKSLASH)
      store<u8>(out + 1, byte)
      out += 2
      at++
    } else {
      const size = sizeOfCharacter(at, end)
      if (size === 0) return 0
      store<u32>(out, load<u32>(at))
      at += size
      out += size
    }
  }
  store<u8>(out, QUOTE)
  return out + 1
}

/** The same of any bytes, whether or not they are UTF-8. */
export function writeEscaped(to: usize, from: usize, length: usize): usize {
  let out = to
  store<u8>(out++, QUOTE)
  for (let at = from; at < from + length; at++) {
    const byte = <u32>load<u8>(at)
    if (byte === QUOTE || byte === BACKSLASH) store<u8>(out++, BACKSLASH)
    store<u8>(out++, byte)
  }
  store<u8>(out, QUOTE)
  return out + 1
}

/** How many bytes the character has that starts with a byte above ASCII; 0 if it is not UTF-8. */
function sizeOfCharacter(at: usize, end: usize): usize {
  const lead = <u32>load<u8>(at)
  const left = end - at
  if (lead < 0xc2 || lead > 0xf4) return 0
  if (left < 2 || !continues(at + 1)) return 0
  if (lead < 0xe0) return 2
  const second = <u32>load<u8>(at + 1)
  if (left < 3 || !continues(at + 2)) return 0
  if (lead < 0xf0) {
    // No overlong forms and no halves of surrogate pairs.
    if (lead === 0xe0 && second < 0xa0) return 0
    if (lead === 0xed && second > 0x9f) return 0
    return 3
  }
  if (left < 4 || !continues(at + 3)) return 0
  // No overlong forms, and nothing above U+10FFFF.
  if (lead === 0xf0 && second < 0x90) return 0
  if (lead === 0xf4 && second > 0x8f) return 0
  return 4
}

function continues(at: usize): bool {
  return (load<u8>(at) & 0xc0) === 0x80
}
