import { QueryError } from './ast.ts'

export type TokenKind = 'word' | 'quoted' | 'string' | 'number' | 'duration' | 'regex' | 'symbol' | 'end'

export interface Token {
  kind: TokenKind
  /** Identifiers and strings without quotes and escapes. */
  text: string
}

const SPACE = /(?:\s|--[^\n]*|\/\*[^]*?\*\/)*/y
const WORD = /[A-Za-z_][A-Za-z0-9_]*/y
const NUMBER = /(\d+(?:\.\d+)?|\.\d+)((?:ns|us|µs|u|µ|ms|s|m|h|d|w)(?:\d+(?:ns|us|µs|u|µ|ms|s|m|h|d|w))*)?/y
const SYMBOL = /=~|!~|!=|<>|<=|>=|::|[=<>(),;.*+\-$]/y
const REGEX = /\/((?:\\\/|[^/\n])+)\//y

/** Cuts a query into tokens: `"..."` is an identifier, `'...'` a string, `/.../` a regex where one may stand. */
export function tokenize(query: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    const found = pattern.exec(query)
    if (found !== null) at = pattern.lastIndex
    return found
  }
  for (;;) {
    match(SPACE)
    if (at >= query.length) break
    const char = query[at]
    let found
    if (char === '"' || char === "'") {
      const { text, next } = quoted(query, at)
      tokens.push({ kind: char === '"' ? 'quoted' : 'string', text })
      at = next
    } else if (char === '/' && (found = match(REGEX)))
      tokens.push({ kind: 'regex', text: (found[1] ?? '').replaceAll('\\/', '/') })
    else if ((found = match(NUMBER)))
      tokens.push({ kind: found[2] === undefined ? 'number' : 'duration', text: found[0] })
    else if ((found = match(WORD))) tokens.push({ kind: 'word', text: found[0] })
    else if ((found = match(SYMBOL)))
      tokens.push({ kind: 'symbol', text: found[0] === '<>' ? '!=' : found[0] })
    else throw new QueryError(`error parsing query: found ${char}, unexpected at char ${at + 1}`)
  }
  tokens.push({ kind: 'end', text: '' })
  return tokens
}

/** Reads `"a\"b"`; the escapes are `\"`, `\'`, `\\` and `\n`. */
function quoted(query: string, start: number): { text: string; next: number } {
  const quote = query[start]
  let text = ''
  for (let at = start + 1; at < query.length; at += 1) {
    const char = query[at] as string
    if (char === quote) return { text, next: at + 1 }
    if (char === '\\') {
      at += 1
      const escaped = query[at]
      if (escaped === 'n') text += '\n'
      else if (escaped === '"' || escaped === "'" || escaped === '\\') text += escaped
      else throw new QueryError(`error parsing query: found \\${escaped ?? ''}, a bad escape`)
    } else if (char === '\n') break
    else text += char
  }
  throw new QueryError(
    `error parsing query: found ${query.slice(start, start + 20)}, a quote that is not closed`,
  )
}
