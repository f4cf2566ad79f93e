/**
 * The longest string, in decoded bytes, that every build of the cluster takes. Its documentation allows 1 MB in a field;
 * the default build of the shared parser stops at 64 KiB ("String is greater than 64KB").
 */
export const LONG_STRING = 65_536

/** Why most clusters refuse a quoted string (quotes included); `undefined` when it is short enough. */
export function longStringReason(quoted: Uint8Array): string | undefined {
  if (quoted.length - 2 <= LONG_STRING) return undefined
  let bytes = quoted.length - 2
  for (let at = 1; at < quoted.length - 1; at++) {
    if (quoted[at] !== 92 || (quoted[at + 1] !== 34 && quoted[at + 1] !== 92)) continue
    at += 1
    bytes -= 1
  }
  return bytes > LONG_STRING ? 'the string is longer than 64 KiB' : undefined
}
