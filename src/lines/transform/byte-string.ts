/**
 * Names as rules see them: byte strings, one character a byte (`Buffer.toString('latin1')`), since files may hold names that
 * are not UTF-8. Their order is that of the bytes.
 */

/** Text of a manifest as a byte string. */
export function byteString(text: string): string {
  return Buffer.from(text).toString('latin1')
}

/** A byte string's bytes. */
export function bytesOf(name: string): Buffer {
  return Buffer.from(name, 'latin1')
}
