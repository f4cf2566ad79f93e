/** Output as scenarios have it: what differs from run to run has a name, what does not matter is left out. */

/** Puts names for what is another each time. `places` are texts (paths, addresses) and their names. */
export function nameWhatVaries(text: string, places: readonly (readonly [string, string])[]): string {
  let named = text
  for (const [place, name] of places) if (place !== '') named = named.replaceAll(place, name)
  return named
    .replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, (time) => (isNow(time) ? '<time>' : time))
    .replace(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '<uuid>')
    .replace(/\b[0-9a-f]{64}\b/g, '<hash>')
    .replace(/\bin \d+(\.\d+)? s\b/g, 'in <seconds>')
    .replace(/"seconds":[\d.]+/g, '"seconds":<seconds>')
    .replace(/\bprocess \d+ on \S+,/g, 'process <pid> on <host>,')
    .replace(/^<time> (export|write|verify): +\d+% .*\n/gm, '') // comes every ten seconds
    .replace(/\binflux-ferry-[\w.-]+(?=\/(config\.toml|manifest\.yaml))/g, 'influx-ferry-<random>')
    .replace(/\b127\.0\.0\.1:\d{4,5}\b/g, '127.0.0.1:<port>')
    .replace(/[\d.]+ [kM]?B (gzipped|spooled|sent)/g, '<bytes> $1') // zlib's own affair
}

/** Whether `actual` is what is expected, where a line `...` stands for any lines, and `[..]` for any text in a line. */
export function matches(actual: string, expected: string): boolean {
  const lines = expected
    .split('\n')
    .slice(0, -1)
    .map((line) =>
      line === '...' ? '(?:.*\\n)*?' : `${line.split('[..]').map(escapeRegExp).join('[^\\n]*')}\\n`,
    )
  return new RegExp(`^${lines.join('')}$`).test(actual)
}

/** An hour is long for a test, and no sample's time is that near. */
function isNow(time: string): boolean {
  return Math.abs(Date.now() - Date.parse(time)) < 3_600_000
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}
