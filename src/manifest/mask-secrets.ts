/** Lines of a manifest as they may be shown: what stands where a secret belongs becomes asterisks. */

/** After `token:` comes a variable, a section or (by mistake) the secret itself, quoted or plain. */
const AFTER_TOKEN =
  /(\btoken["']?\s*:\s*)(?!["']?\$\{[^}]*\}["']?\s*(?:[,}#]|$)|\{)("[^"]*"?|'[^']*'?|[^\s,}#][^,}#]*)/gi
/** InfluxDB's own tokens can be told by how they start. */
const LOOKS_LIKE_TOKEN = /\b(apiv1_|M\.V1\.)[^\s"',}]+/g
const PASSWORD_IN_URL = /(:\/\/)([^/@\s]+)(?=@)/g

/** Same length as `line`, so that columns hold. */
export function maskSecrets(line: string): string {
  const stars = (text: string) => '*'.repeat(text.length)
  return line
    .replace(AFTER_TOKEN, (_, key: string, secret: string) => key + stars(secret))
    .replace(LOOKS_LIKE_TOKEN, stars)
    .replace(PASSWORD_IN_URL, (_, scheme: string, secret: string) => scheme + stars(secret))
}
