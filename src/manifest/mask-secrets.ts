/** Lines of a manifest as they may be shown: what stands where a secret belongs becomes asterisks. */

const QUOTED = /"[^"]*"?|'[^']*'?/
const VARIABLE_OR_SECTION = /["']?\$\{[^}]*\}["']?\s*(?:[,}#]|$)|\{/
/** A plain value ends at a comment; in flow style (`{ token: x, ... }`) at the next key, too. */
const IN_BLOCK = afterToken(/\S+(?:\s+[^\s#]\S*)*/)
const IN_FLOW = afterToken(/[^\s,}#][^,}#]*/)
/** InfluxDB's own tokens can be told by how they start. */
const LOOKS_LIKE_TOKEN = /\b(apiv1_|M\.V1\.)[^\s"',}]+/g
const PASSWORD_IN_URL = /(:\/\/)([^/@\s]+)(?=@)/g

/** Same length as `line`, so that columns hold. */
export function maskSecrets(line: string): string {
  const stars = (text: string) => '*'.repeat(text.length)
  const isFlow = /[{[].*token/i.test(line)
  return line
    .replace(isFlow ? IN_FLOW : IN_BLOCK, (_, key: string, secret: string) => key + stars(secret))
    .replace(LOOKS_LIKE_TOKEN, stars)
    .replace(PASSWORD_IN_URL, (_, scheme: string, secret: string) => scheme + stars(secret))
}

/** After `token:` comes a variable, a section or (by mistake) the secret itself, quoted or plain. */
function afterToken(plain: RegExp): RegExp {
  const value = `${QUOTED.source}|${plain.source}`
  return new RegExp(`(\\btoken["']?\\s*:\\s*)(?!\\s|${VARIABLE_OR_SECTION.source})(${value})`, 'gi')
}
