const BYTE_UNITS: Record<string, number> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
}

/** Bytes of `10MB`, `256 MiB`, `1.5GB` or a plain number; `undefined` when the text is none of these. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(text.trim())
  const unit = match && BYTE_UNITS[(match[2] || 'b').toLowerCase()]
  return match && unit ? Math.round(Number(match[1]) * unit) : undefined
}

/** `1.5 GB`, `12 kB`, `7 B`: decimal units, three significant digits. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
  let scaled = bytes
  let unit = 0
  while (scaled >= 999.5 && unit < units.length - 1) {
    scaled /= 1000
    unit += 1
  }
  return `${unit === 0 ? scaled : Number(scaled.toPrecision(3))} ${units[unit]}`
}

/** Bytes a second of `20MB/s`; `undefined` when the text is not a rate. */
export function parseRate(text: string): number | undefined {
  const match = /^(.*)\/\s*s(?:ec)?$/.exec(text.trim())
  return match?.[1] === undefined ? undefined : parseBytes(match[1])
}

const DURATION_UNITS: Record<string, bigint> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
  d: 86_400_000_000_000n,
  w: 604_800_000_000_000n,
  mo: 2_592_000_000_000_000n,
  y: 31_536_000_000_000_000n,
}

/** Nanoseconds of `30d`, `168h0m0s`, `1mo`, `2.5d`; `0n` for `infinite`, `INF` and `0s`; `undefined` otherwise. */
export function parseDuration(text: string): bigint | undefined {
  if (/^inf(inite)?$/i.test(text)) return 0n
  if (!/^(\d+(\.\d+)?(ns|us|µs|ms|mo|s|m|h|d|w|y))+$/.test(text)) return undefined
  let total = 0n
  for (const [, amount = '', unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|mo|s|m|h|d|w|y)/g)) {
    const [whole = '0', fraction = ''] = amount.split('.')
    const size = DURATION_UNITS[unit] ?? 0n
    total += BigInt(whole) * size + (BigInt(fraction || '0') * size) / 10n ** BigInt(fraction.length)
  }
  return total
}

/** `30d`, `168h`, `1h30m`; `infinite` for `0n`. influxctl reads it back (`--retention-period`, units m h d). */
export function formatDuration(nanos: bigint): string {
  if (nanos === 0n) return 'infinite'
  let rest = nanos
  let text = ''
  for (const unit of ['d', 'h', 'm', 's', 'ms', 'us', 'ns']) {
    const size = DURATION_UNITS[unit] ?? 1n
    if (rest >= size) text += `${rest / size}${unit}`
    rest %= size
  }
  return text
}

/** `1,234,567`: a count as people read it. */
export function formatCount(count: number | bigint): string {
  // toLocaleString takes 20 ms, once.
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** `1 slice`, `2 slices`, `1,200 rows`. */
export function countOf(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** `45 s`, `3 min`, `2 h 10 min`: as exact as a forecast can be. */
export function formatSeconds(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** What something took: `0.4 s`, `12 s`, then as {@link formatSeconds}. */
export function formatElapsed(seconds: number): string {
  return seconds < 9.95 ? `${seconds.toFixed(1)} s` : formatSeconds(seconds)
}
