/** The small scans of the line parser. All of them need two newlines after the last byte of the data. */

const TAB = 9
const NEWLINE = 10
const SPACE = 32
const QUOTE = 34
const COMMA = 44
const MINUS = 45
const EQUALS = 61
const BACKSLASH = 92

/**
 * The end of a number that v3 takes as it stands, `-1` when it needs the careful reading of field-value.ts: not
 * v3's grammar, unsigned, or so long that its range must be checked. influx_inspect's `%g` floats and integers pass.
 */
export function plainNumberEnd(bytes: Buffer, start: number): number {
  let at = start
  let byte = bytes[at] as number
  if (byte === MINUS) byte = bytes[++at] as number
  const digits = at
  while (byte >= 48 && byte <= 57) byte = bytes[++at] as number
  if (at === digits || at - digits > 300) return -1
  if (byte === 105) return at - digits > 18 ? -1 : at + 1
  if (byte === 46) {
    byte = bytes[++at] as number
    const fraction = at
    while (byte >= 48 && byte <= 57) byte = bytes[++at] as number
    if (at === fraction) return -1
  }
  if (byte === 101 || byte === 69) {
    byte = bytes[++at] as number
    if (byte === 43 || byte === MINUS) byte = bytes[++at] as number
    const exponent = at
    while (byte >= 48 && byte <= 57) byte = bytes[++at] as number
    if (at === exponent || at - exponent > 2) return -1
  }
  return at
}

/** Where a quoted string that starts at `start` ends, after its quote; `-1` when it has no end before `to`. */
export function stringEnd(bytes: Buffer, start: number, to: number): number {
  for (let at = start + 1; at < to; at++) {
    const byte = bytes[at]
    if (byte === BACKSLASH) at += 1
    else if (byte === QUOTE) return at + 1
  }
  return -1
}

/** The first byte that is not white to 1.x: space, tab, NUL. */
export function skipWhite(bytes: Buffer, start: number): number {
  let at = start
  while (bytes[at] === SPACE || bytes[at] === TAB || bytes[at] === 0) at += 1
  return at
}

/**
 * The newline that ends the line, by the rules of 1.x's `scanLine`: not an escaped one, not one in a quoted value;
 * `-1` when there is none before `to`. For lines that could not be parsed.
 */
export function lineEnd(bytes: Buffer, start: number, to: number): number {
  let inFields = false
  let quoted = false
  let equals = 0
  let commas = 0
  for (let at = start; at < to; at++) {
    const byte = bytes[at]
    if (byte === BACKSLASH) at += 1
    else if (byte === NEWLINE && !quoted) return at
    else if (byte === SPACE) inFields = true
    else if (inFields) {
      if (byte === QUOTE && equals > commas) quoted = !quoted
      else if (byte === EQUALS && !quoted) equals += 1
      else if (byte === COMMA && !quoted) commas += 1
    }
  }
  return -1
}

/** Where the series key ends: its first space with no backslash before it. `-1`: the line or the data ends before. */
export function seriesKeyEnd(bytes: Buffer, start: number, to: number): number {
  let escaped = false
  for (let at = start; at < to; at++) {
    const byte = bytes[at]
    if (byte === SPACE && bytes[at - 1] !== BACKSLASH) return at
    if (byte === NEWLINE && !escaped) return -1
    escaped = byte === BACKSLASH && !escaped
  }
  return -1
}

/** Where a field key ends: its first `=` with no backslash before it. `-1`: there is none. */
export function fieldKeyEnd(bytes: Buffer, start: number, to: number): number {
  let escaped = false
  for (let at = start; at < to; at++) {
    const byte = bytes[at]
    const bare = at === start || bytes[at - 1] !== BACKSLASH
    if (byte === EQUALS && bare) return at
    if ((byte === COMMA || byte === SPACE) && bare) return -1
    if (byte === NEWLINE && !escaped) return -1
    escaped = byte === BACKSLASH && !escaped
  }
  return -1
}

/** Whether `bytes` reads `text` (ASCII) at `start`. */
export function startsWith(bytes: Buffer, start: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text.charCodeAt(i)) return false
  return true
}

/** Whether a series key reads the same in 1.x and v3: printable ASCII, no backslash, tags present and sorted. */
export function isPlainSeriesKey(bytes: Buffer, start: number, end: number): boolean {
  if (bytes[start] === COMMA || bytes[start] === 35) return false
  let at = start
  for (; at < end && bytes[at] !== COMMA; at++) if (!isPlain(bytes[at] as number)) return false
  let lastKey = 0
  let lastKeyEnd = 0
  while (at < end) {
    const key = ++at
    for (; bytes[at] !== EQUALS; at++) {
      if (at >= end || bytes[at] === COMMA || !isPlain(bytes[at] as number)) return false
    }
    if (at === key || (at - key === 4 && startsWith(bytes, key, 'time'))) return false
    if (lastKey > 0 && !isBefore(bytes, lastKey, lastKeyEnd, key, at)) return false
    lastKey = key
    lastKeyEnd = at
    const value = ++at
    for (; at < end && bytes[at] !== COMMA; at++) {
      if (bytes[at] === EQUALS || !isPlain(bytes[at] as number)) return false
    }
    if (at === value) return false
  }
  return true
}

/** Whether a field key reads the same in 1.x and v3. */
export function isPlainFieldKey(bytes: Buffer, start: number, end: number): boolean {
  if (end - start === 4 && startsWith(bytes, start, 'time')) return false
  for (let at = start; at < end; at++) if (!isPlain(bytes[at] as number)) return false
  return end > start
}

/** Whether `bytes[start, end)` sorts before `bytes[otherStart, otherEnd)`. */
function isBefore(bytes: Buffer, start: number, end: number, otherStart: number, otherEnd: number): boolean {
  let other = otherStart
  for (let at = start; at < end && other < otherEnd; at++, other++) {
    const difference = (bytes[at] as number) - (bytes[other] as number)
    if (difference !== 0) return difference < 0
  }
  return end - start < otherEnd - otherStart
}

function isPlain(byte: number): boolean {
  return byte > SPACE && byte < 127 && byte !== BACKSLASH
}
